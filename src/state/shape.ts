/**
 * The shape of a record: nobody but us writes state.json, but disks fill up and people mend files by hand. What is read
 * becomes paths to remove and processes to kill, so what does not fit is refused by its place. Pure, and cheap: on the
 * way of every verb.
 */
import type { ContainerRecord } from './record.ts'

/**
 * `text`: without NUL; `path`: absolute, and never upwards; `number`: an integer that is not negative; `words`: one of
 * these. Of a `record` only the members that are named count; with a "?" they may be missing.
 */
type Shape =
  | 'text'
  | 'path'
  | 'number'
  | 'boolean'
  | 'object'
  | { readonly words: readonly string[] }
  | { readonly list: Shape }
  | { readonly map: Shape }
  | { readonly record: Readonly<Record<string, Shape>> }

const ORIGIN: Shape = { record: { 'doing?': 'text', 'config?': 'text' } }

const CGROUP: Shape = { record: { 'v2?': 'path', v1: { list: 'path' }, 'inner?': 'path' } }

const CALL: Readonly<Record<string, Shape>> = {
  path: 'text',
  args: { list: 'text' },
  env: { list: 'text' },
  timeout: 'number',
}

const HOOKS: Shape = { list: { record: { call: { record: CALL }, config: 'text', doing: 'text' } } }

const STEP: Shape = {
  record: {
    kind: { words: ['hook', 'exec', 'filter'] },
    'origin?': ORIGIN,
    'path?': 'text',
    'timeout?': 'number',
    'source?': 'text',
    'filter?': { record: { 'source?': 'text' } },
  },
}

/** Every member of {@link ContainerRecord}, or this does not compile. */
const MEMBERS = {
  format: 'number',
  ociVersion: 'text',
  id: 'text',
  bundle: 'path',
  rootfs: 'path',
  created: 'text',
  'annotations?': { map: 'text' },
  owner: 'number',
  pid: 'number',
  startTime: 'number',
  phase: { words: ['creating', 'created'] },
  'cgroup?': CGROUP,
  'unit?': { record: { name: 'text', manager: { words: ['system', 'user'] }, 'inode?': 'number' } },
  'sharedCgroup?': CGROUP,
  'noNewKeyring?': 'boolean',
  privatePid: 'boolean',
  poststart: HOOKS,
  poststop: HOOKS,
  'resources?': 'object',
  'intelRdt?': { record: { root: 'path', group: 'path', 'monitor?': 'path', remove: { list: 'path' } } },
  'seccomp?': {
    record: { mark: 'text', 'listener?': { record: { path: 'text', 'metadata?': 'text', 'source?': 'text' } } },
  },
  'late?': { list: { record: { record: 'number', step: STEP } } },
  'configSum?': 'text',
} satisfies Readonly<Record<Marked<ContainerRecord>, Shape>>

/** Names of members, those that may be missing with a "?". */
type Marked<T> = { [K in keyof T & string]-?: undefined extends T[K] ? `${K}?` : K }[keyof T & string]

/** Largest pid_t that a kernel gives away: 2^22. */
const MAX_PID = 4_194_304

/** The place (JSON pointer) of the first thing that does not fit in what state.json of this id says; undefined: it fits. */
export function misfit(value: unknown, id: string): string | undefined {
  const place = misfitOf({ record: MEMBERS }, value, '')
  if (place !== undefined) return place
  const record = value as ContainerRecord
  if (record.id !== id) return '/id'
  return record.pid > MAX_PID ? '/pid' : undefined
}

function misfitOf(shape: Shape, value: unknown, at: string): string | undefined {
  if (typeof shape === 'string') return fits(shape, value) ? undefined : at
  if ('words' in shape) return shape.words.includes(value as string) ? undefined : at
  if ('list' in shape) return Array.isArray(value) ? misfitIn(shape.list, value, at) : at
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return at
  if ('map' in shape) return misfitIn(shape.map, value, at)
  for (const name in shape.record) {
    const optional = name.endsWith('?')
    const key = optional ? name.slice(0, -1) : name
    if (Object.hasOwn(value, key)) {
      const place = misfitOf(shape.record[name] as Shape, (value as Record<string, unknown>)[key], `${at}/${key}`)
      if (place !== undefined) return place
    } else if (!optional) return `${at}/${key}`
  }
  return undefined
}

function misfitIn(shape: Shape, value: object, at: string): string | undefined {
  for (const key in value) {
    const place = misfitOf(shape, (value as Record<string, unknown>)[key], `${at}/${key}`)
    if (place !== undefined) return place
  }
  return undefined
}

function fits(shape: 'text' | 'path' | 'number' | 'boolean' | 'object', value: unknown): boolean {
  if (shape === 'number') return Number.isSafeInteger(value) && (value as number) >= 0
  if (shape === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value)
  if (shape === 'boolean') return typeof value === 'boolean'
  if (typeof value !== 'string' || value.includes('\0')) return false
  return shape === 'text' || (value.startsWith('/') && !`${value}/`.includes('/../'))
}
