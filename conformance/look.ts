/** What the kernel shows of a process of a container. */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { isAlive, within } from './host.ts'
import type { Subject } from './subject.ts'
import { expect } from './suite.ts'

/** A file of a process below /proc; empty when the process has gone. */
export function ofProcess(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}

/** A field of /proc/PID/status, as words. */
export function statusOf(pid: number, field: string): string {
  return new RegExp(`^${field}:\\s*(.*?)\\s*$`, 'm').exec(ofProcess(pid, 'status'))?.[1]?.replace(/\s+/g, ' ') ?? ''
}

/** Which namespace a process is in: `net:[4026531833]`. */
export function namespaceOf(pid: number | 'self', name: string): string {
  return readlinkSync(`/proc/${pid}/ns/${name}`)
}

/** What a process has open, by number. */
export function fdsOf(pid: number): Record<string, string> {
  const folder = `/proc/${pid}/fd`
  return Object.fromEntries(
    readdirSync(folder).map((fd): [string, string] => {
      try {
        return [fd, readlinkSync(`${folder}/${fd}`)]
      } catch {
        return [fd, '']
      }
    }),
  )
}

/** The pid of a container that is running its program. */
export function pidOf(subject: Subject, id: string): number {
  const { pid } = subject.await(id, 'running')
  expect(pid !== undefined && isAlive(pid), `no process ${pid} of a running container`)
  return pid
}

/** The text of a file that a program writes, once it is there and complete: it ends with a newline. */
export function written(path: string): string {
  const text = () => (existsSync(path) ? readFileSync(path, 'utf8') : '')
  within(() => text().endsWith('\n'))
  return text()
}
