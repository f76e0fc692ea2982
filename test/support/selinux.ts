/** Labels of SELinux, as the kernel tells them. */
import { readFileSync } from 'node:fs'
import { output } from './exec.ts'

/** Labels that policies have for containers, Debian's and Fedora's alike; a comma is part of them. */
export const PROCESS = 'system_u:system_r:container_t:s0:c1,c2'
export const FILES = 'system_u:object_r:container_file_t:s0:c1,c2'
export const OTHER_PROCESS = 'system_u:system_r:spc_t:s0'

/** Without the end that the kernel gives them. */
export const plain = (text: string) => text.replace(/[\0\n]+$/, '')

/** The label of a process, or one that it has asked for: "exec", "keycreate"… */
export function processLabel(pid: number, which = 'current'): string {
  return plain(readFileSync(`/proc/${pid}/attr/${which}`, 'utf8'))
}

/** The label of a file, not of what it is a link to. */
export async function fileLabel(path: string): Promise<string> {
  return plain(await output('stat', ['--format=%C', path]))
}

/** The label of a process's session keyring whose name is `_ses.ID`, where the program of the keys is. */
export async function keyringLabel(id: string): Promise<string> {
  const line = readFileSync('/proc/keys', 'utf8')
    .split('\n')
    .find((text) => text.includes(` _ses.${id}:`))
  if (!line) throw new Error(`no keyring _ses.${id}`)
  return plain(await output('keyctl', ['security', `0x${line.split(' ')[0]}`]))
}
