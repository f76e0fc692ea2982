/** The accounts of a container: its passwd(5) and group(5) as text, looked up without trust in their form. */
import { RuntimeError } from '../base/errors.ts'

/** KERNEL: (uid_t)-1 means "leave alone". */
const MAX_ID = 4294967294

/** Digits only and no leading zero, within the kernel's range; undefined otherwise. */
export function parseId(text: string): number | undefined {
  if (!isDigits(text) || text.length > 10 || (text.length > 1 && text[0] === '0')) return undefined
  const id = Number(text)
  return id <= MAX_ID ? id : undefined
}

function isDigits(text: string): boolean {
  for (const char of text) if (char < '0' || char > '9') return false
  return text !== ''
}

/** Who a process is to be, as `--user` says it: what it does not say is absent. */
export interface Account {
  readonly uid: number
  readonly gid?: number
  readonly additionalGids?: readonly number[]
}

/** Texts of the container's files; undefined where it has none. Each is asked for at most once, and only for names. */
export interface AccountFiles {
  readonly passwd: () => string | undefined
  readonly group: () => string | undefined
}

/**
 * `uid[:gid]`, each a number or a name. A number stands for itself, and without a group says nothing of groups (as
 * runc's); a name brings its group and those it is a member of.
 * @throws RuntimeError 'config-invalid'.
 */
export function resolveUser(text: string, files: AccountFiles): Account {
  // CVE-2026-30892: a lone number must not become another user; nothing but the whole text being right is accepted.
  const colon = text.indexOf(':')
  const user = colon < 0 ? text : text.slice(0, colon)
  const group = colon < 0 ? undefined : text.slice(colon + 1)
  const found = resolveName(text, user, files)
  if (group === undefined) return found
  return { ...found, gid: resolveGroup(text, group, files) }
}

function resolveName(text: string, user: string, files: AccountFiles): Account {
  if (mustBeNumber(user)) return { uid: parseId(user) ?? refuse(text, `"${user}" is not a user id`) }
  const entry = entryOf(files.passwd() ?? '', ([name]) => name === user)
  const [uid, gid] = [parseId(entry?.[2] ?? ''), parseId(entry?.[3] ?? '')]
  if (uid === undefined || gid === undefined) return refuse(text, `no user "${user}" in the container's /etc/passwd`)
  return { uid, gid, additionalGids: groupsOf(files.group() ?? '', user) }
}

function resolveGroup(text: string, group: string, files: AccountFiles): number {
  if (mustBeNumber(group)) return parseId(group) ?? refuse(text, `"${group}" is not a group id`)
  const entry = entryOf(files.group() ?? '', ([name]) => name === group)
  return parseId(entry?.[2] ?? '') ?? refuse(text, `no group "${group}" in the container's /etc/group`)
}

/** useradd(8): no name begins with a digit or a sign, so that what does is meant as a number. */
function mustBeNumber(word: string): boolean {
  const first = word[0] ?? '0'
  return (first >= '0' && first <= '9') || first === '-' || first === '+'
}

function refuse(text: string, why: string): never {
  throw new RuntimeError('config-invalid', `invalid user ${JSON.stringify(text.slice(0, 80))}: ${why}`)
}

/** Fields of the first line that matches. */
function entryOf(text: string, matches: (fields: readonly string[]) => boolean): string[] | undefined {
  for (const line of text.split('\n')) {
    const fields = line.split(':')
    if (fields.length >= 3 && matches(fields)) return fields
  }
  return undefined
}

/** Groups that list the user as a member. */
function groupsOf(text: string, user: string): number[] {
  const gids: number[] = []
  for (const line of text.split('\n')) {
    const [, , gid, members] = line.split(':')
    const id = parseId(gid ?? '')
    if (id !== undefined && members?.split(',').includes(user)) gids.push(id)
  }
  return gids
}

/** Whether a process has to be told its home: it has no HOME, or an empty one. */
export function lacksHome(env: readonly string[]): boolean {
  let last = ''
  for (const entry of env) if (entry.startsWith('HOME=')) last = entry
  return last === '' || last === 'HOME='
}

/**
 * The environment with the user's home by /etc/passwd, or "/" for one that is not there; unchanged where it has one.
 * SAFETY: the file is the container's: what could not be a path is no home.
 */
export function withHome(env: readonly string[], uid: number, passwd: () => string | undefined): readonly string[] {
  if (!lacksHome(env)) return env
  const home = entryOf(passwd() ?? '', (fields) => parseId(fields[2] ?? '') === uid)?.[5]
  const entries: string[] = []
  for (const entry of env) if (!entry.startsWith('HOME=')) entries.push(entry)
  entries.push(`HOME=${home && !home.includes('\0') ? home : '/'}`)
  return entries
}
