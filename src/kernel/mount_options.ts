/**
 * Mount options of config.json (fstab(5), mount(8), runc's and crun's additions) as mount_setattr(2) attributes.
 * Only flags of the mount itself are here; whatever else stands in `options` is data for the file system.
 */
import { ACCESS_TIME_OPTIONS, type AccessTimeOption, accessTime } from './access_time.ts'
import { ATTR, MS_PRIVATE, MS_SHARED, MS_SLAVE, MS_UNBINDABLE } from './mount.ts'

type Effect =
  | { readonly set: number; readonly clear: number }
  | { readonly time: AccessTimeOption }
  | { readonly propagation: number; readonly recursive: boolean }
  | { readonly bind: 'bind' | 'rbind' }
  | { readonly filesystem: string } // also a flag of the superblock, under this name
  | { readonly ignore: true }
  | { readonly remount: true }
  | { readonly idmap: { readonly recursive: boolean } }
  | { readonly also: 'copyUp' | 'copySymlink' | 'sourceNoFollow' | 'targetNoFollow' }

const set = (bit: number): Effect => ({ set: bit, clear: 0 })
const clear = (bit: number): Effect => ({ set: 0, clear: bit })

/** Options with a recursive form, which has an "r" in front and uses AT_RECURSIVE. */
const ATTRIBUTES: Readonly<Record<string, Effect>> = {
  ro: set(ATTR.rdonly),
  rw: clear(ATTR.rdonly),
  nosuid: set(ATTR.nosuid),
  suid: clear(ATTR.nosuid),
  nodev: set(ATTR.nodev),
  dev: clear(ATTR.nodev),
  noexec: set(ATTR.noexec),
  exec: clear(ATTR.noexec),
  ...Object.fromEntries(ACCESS_TIME_OPTIONS.map((time) => [time, { time }])),
  nodiratime: set(ATTR.nodiratime),
  diratime: clear(ATTR.nodiratime),
  nosymfollow: set(ATTR.nosymfollow),
  symfollow: clear(ATTR.nosymfollow),
}

const OTHERS: Readonly<Record<string, Effect>> = {
  bind: { bind: 'bind' },
  rbind: { bind: 'rbind' },
  shared: { propagation: MS_SHARED, recursive: false },
  rshared: { propagation: MS_SHARED, recursive: true },
  slave: { propagation: MS_SLAVE, recursive: false },
  rslave: { propagation: MS_SLAVE, recursive: true },
  private: { propagation: MS_PRIVATE, recursive: false },
  rprivate: { propagation: MS_PRIVATE, recursive: true },
  unbindable: { propagation: MS_UNBINDABLE, recursive: false },
  runbindable: { propagation: MS_UNBINDABLE, recursive: true },
  defaults: { ignore: true },
  // Flags of the superblock: fsconfig(2) knows them by name.
  sync: { filesystem: 'sync' },
  async: { filesystem: 'async' },
  dirsync: { filesystem: 'dirsync' },
  mand: { filesystem: 'mand' },
  nomand: { filesystem: 'nomand' },
  lazytime: { filesystem: 'lazytime' },
  nolazytime: { filesystem: 'nolazytime' },
  // crun's: what is new has nothing below it.
  rsync: { filesystem: 'sync' },
  rasync: { filesystem: 'async' },
  rdirsync: { filesystem: 'dirsync' },
  rmand: { filesystem: 'mand' },
  rnomand: { filesystem: 'nomand' },
  silent: { ignore: true },
  loud: { ignore: true },
  iversion: { ignore: true },
  noiversion: { ignore: true },
  remount: { remount: true },
  // runc's and crun's: a tmpfs begins with what it covers.
  tmpcopyup: { also: 'copyUp' },
  // crun's, for a source or a target that is a symbolic link.
  'copy-symlink': { also: 'copySymlink' },
  'src-nofollow': { also: 'sourceNoFollow' },
  'dest-nofollow': { also: 'targetNoFollow' },
  idmap: { idmap: { recursive: false } },
  ridmap: { idmap: { recursive: true } },
}

/** Those that ask for something; the others say that it is as it is without them. */
const SUPERBLOCK_SET = new Set(['sync', 'dirsync', 'mand', 'lazytime'])

/** What a mount's options ask for. */
export interface MountOptions {
  readonly set: number
  readonly clear: number
  readonly recursiveSet: number
  readonly recursiveClear: number
  readonly propagation: readonly { readonly flag: number; readonly recursive: boolean }[]
  readonly bind: 'bind' | 'rbind' | undefined
  /** No new mount, but other options for the one that is there: its own, or its file system's too. */
  readonly remount: 'mount' | 'filesystem' | undefined
  /** A tmpfs begins with what it covers. */
  readonly copyUp: boolean
  /** A source that is a symbolic link is made anew in the container, not mounted. */
  readonly copySymlink: boolean
  /** The source itself, even if it is a symbolic link. */
  readonly sourceNoFollow: boolean
  /** The destination itself, even if it is a symbolic link. */
  readonly targetNoFollow: boolean
  /** An idmapped mount; `maps` is what stands behind "idmap=", '' if nothing does. See idmap_option.ts. */
  readonly idmap: { readonly recursive: boolean; readonly maps: string } | undefined
  /** Options for the file system, as they stand; none for a bind mount of flags that every superblock has. */
  readonly data: readonly string[]
  /** Flags of the superblock that a bind mount, whose superblock is its source's, cannot have. */
  readonly withoutEffect: readonly string[]
}

const own = (table: Readonly<Record<string, Effect>>, name: string): Effect | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined

/** Looks an option up: its effect and whether it is the recursive form; undefined for file system data. */
function effectOf(option: string): { effect: Effect; recursive: boolean } | undefined {
  const plain = own(ATTRIBUTES, option) ?? own(OTHERS, option)
  if (plain) return { effect: plain, recursive: false }
  const withValue = own(OTHERS, option.split('=', 1)[0] as string)
  if (withValue && 'idmap' in withValue) return { effect: withValue, recursive: false }
  const attribute = option.startsWith('r') ? own(ATTRIBUTES, option.slice(1)) : undefined
  return attribute && { effect: attribute, recursive: true }
}

type Bits = Record<'set' | 'clear' | 'recursiveSet' | 'recursiveClear', number>

/** KERNEL: a value of the access-time field is set with the whole field cleared. */
function apply(bits: Bits, set: keyof Bits, clear: keyof Bits, value: number | undefined): void {
  if (value === undefined) return
  bits[set] |= value
  bits[clear] |= ATTR.atimeMask
}

/** What was sorted out already: each mount is asked about several times, and an engine's many mounts are mostly alike. */
const known = new Map<string, MountOptions>()

/** Sorts the options out. A later option wins over an earlier one that says the opposite. */
export function parseMountOptions(options: readonly string[]): MountOptions {
  const key = `${options.length}\0${options.join('\0')}`
  let parsed = known.get(key)
  if (parsed === undefined) {
    parsed = sortOut(options)
    known.set(key, parsed)
  }
  return parsed
}

function sortOut(options: readonly string[]): MountOptions {
  const bits: Bits = { set: 0, clear: 0, recursiveSet: 0, recursiveClear: 0 }
  const times: { plain: AccessTimeOption[]; recursive: AccessTimeOption[] } = { plain: [], recursive: [] }
  const propagation: { flag: number; recursive: boolean }[] = []
  const data: string[] = []
  const flags: string[] = []
  const also = { copyUp: false, copySymlink: false, sourceNoFollow: false, targetNoFollow: false }
  let bind: MountOptions['bind']
  let remount = false
  let idmap: MountOptions['idmap']
  for (const option of options) {
    const found = effectOf(option)
    if (!found) data.push(option)
    else if ('set' in found.effect) {
      const { set: on, clear: off } = found.effect
      const [setKey, clearKey] = found.recursive
        ? (['recursiveSet', 'recursiveClear'] as const)
        : (['set', 'clear'] as const)
      bits[setKey] = (bits[setKey] & ~off) | on
      bits[clearKey] = (bits[clearKey] & ~on) | off
    } else if ('time' in found.effect) {
      times[found.recursive ? 'recursive' : 'plain'].push(found.effect.time)
    } else if ('propagation' in found.effect) {
      propagation.push({ flag: found.effect.propagation, recursive: found.effect.recursive })
    } else if ('bind' in found.effect) bind = found.effect.bind
    else if ('remount' in found.effect) remount = true
    else if ('filesystem' in found.effect) flags.push(found.effect.filesystem)
    else if ('also' in found.effect) also[found.effect.also] = true
    else if ('idmap' in found.effect) idmap = { ...found.effect.idmap, maps: option.replace(/^r?idmap=?/, '') }
  }
  apply(bits, 'set', 'clear', accessTime(times.plain))
  apply(bits, 'recursiveSet', 'recursiveClear', accessTime(times.recursive))
  // KERNEL: mount(2) looks at these flags for a new superblock and for no bind mount.
  const withoutEffect = bind ? flags.filter((flag) => SUPERBLOCK_SET.has(flag)) : []
  const kind = bind ? ({ bind, remount: 'mount' } as const) : ({ bind, remount: 'filesystem' } as const)
  const what = remount ? { ...kind, bind: undefined } : { ...kind, remount: undefined }
  return { ...bits, ...also, ...what, propagation, idmap, data: bind ? data : [...flags, ...data], withoutEffect }
}

/** Every option known here, for `features`: plain, recursive and propagation forms, sorted. */
export function knownMountOptions(): string[] {
  const attributes = Object.keys(ATTRIBUTES)
  return [...attributes, ...attributes.map((name) => `r${name}`), ...Object.keys(OTHERS)].sort()
}
