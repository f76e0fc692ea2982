/** What criu wrote into its log: the part that says why it failed. */

import { RuntimeError, SysError } from '../../base/errors.ts'
import { readFd, withFd } from '../../ffi/file.ts'
import { O_RDONLY } from '../../kernel/files.ts'
import { openRegular } from './files.ts'

/** As many lines as an error shows. The first is mostly the cause, the last what came of it. */
const LINES = 3
const LONGEST = 300

/** It would like to open more files than a caller without privilege over limits may; mostly it need not. */
const HARMLESS = /rlimit: Can't setup RLIMIT_NOFILE/

/** The errors in the log `name` of the work directory `folder`; empty when there are none. */
export function criuErrors(folder: number, name: string): string[] {
  return errorLines(logText(folder, name))
}

function logText(folder: number, name: string): string {
  try {
    return withFd(openRegular(folder, name, O_RDONLY), (fd) => readFd(fd, name).toString('utf8'))
  } catch (error) {
    if (error instanceof SysError || error instanceof RuntimeError) return ''
    throw error
  }
}

/** "(00.123456) pie: 12: Error (criu/files.c:12): what" without the time, control characters and repetitions. */
export function errorLines(text: string): string[] {
  const lines = text
    .split('\n')
    .filter((line) => /\bError \(/.test(line) && !HARMLESS.test(line))
    .map((line) =>
      line
        .replace(/^\([\d.]+\) */, '')
        .replace(/\p{Cc}+/gu, ' ')
        .trim()
        .slice(0, LONGEST),
    )
  const different = lines.filter((line, index) => lines.indexOf(line) === index)
  return different.length <= LINES ? different : [different[0] as string, ...different.slice(1 - LINES)]
}
