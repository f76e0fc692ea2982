/** The built program, by command lines that are made up: it ends, with a code, and with a line where it fails. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { RUNTIME } from '../support/place.ts'
import { cageFolder } from './cage.ts'
import { COMMAND_TARGET } from './command.ts'
import type { Target } from './target.ts'

type Input = readonly string[]

/** The kernel takes no argument with a NUL, and no text of these. */
const possible = (word: string) => !word.includes('\0') && Buffer.from(word).toString() === word

function run(argv: Input): string {
  const cwd = `${cageFolder()}/cwd`
  if (existsSync(cwd)) for (const name of readdirSync(cwd)) rmSync(`${cwd}/${name}`, { recursive: true, force: true })
  mkdirSync(cwd, { recursive: true })
  const words = argv.filter(possible)
  const { status, signal, stdout, stderr } = spawnSync(RUNTIME, words, {
    cwd,
    encoding: 'utf8',
    timeout: 20_000,
    env: { PATH: process.env.PATH, XDG_RUNTIME_DIR: cwd },
  })
  const said = `${status ?? signal}: ${stdout}${stderr}`
  if (status === null) throw new Error(`no exit code: ${said}`)
  if (/\bbug:|\bundefined\b|\[object |^ +at /m.test(stderr)) throw new Error(said)
  // What is wrong with a bundle is what validate was asked for.
  const verdict = words.includes('validate') && stdout !== ''
  if (status !== 0 && !verdict && !/^(davit: [^\n]+\n|\{[^\n]+\}\n)+$/.test(stderr)) throw new Error(`no line: ${said}`)
  return `exit ${status}`
}

export const PROGRAM_TARGET: Target<Input> = {
  name: 'program',
  caged: true,
  make: COMMAND_TARGET.make as Target<Input>['make'],
  run,
}
