/**
 * Mount options of config.json (fstab(5), mount(8), runc's and crun's additions) as mount_setattr(2) attributes.
 * Only flags of the mount itself are here; whatever else stands in `options` is data for the file system.
 */
import { ATTR, MS_PRIVATE, MS_SHARED, MS_SLAVE, MS_UNBINDABLE } from './mount.ts'

type Effect =
  | { readonly set: number; readonly clear: number }
  | { readonly propagation: number; readonly recursive: boolean }
  | { readonly bind: 'bind' | 'rbind' }
  | { readonly filesystem: string } // also a flag of the superblock, under this name
  | { readonly ignore: true }
  | { readonly idmap: { readonly recursive: boolean } }
  | { readonly also: 'copyUp' | 'copySymlink' | 'sourceNoFollow' | 'targetNoFollow' }

const set = (bit: number): Effect => ({ set: bit, clear: 0 })
const clear = (bit: number): Effect => ({ set: 0, clear: bit })
/** The access-time values share one field: setting one clears the others (pitfall of rrelatime). */
const atime = (value: number): Effect => ({ set: value, clear: ATTR.atimeMask })

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
  noatime: atime(ATTR.noatime),
  atime: atime(ATTR.relatime),
  relatime: atime(ATTR.relatime),
  norelatime: atime(ATTR.strictatime),
  strictatime: atime(ATTR.strictatime),
  nostrictatime: atime(ATTR.relatime),
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
  // mount(8) words without meaning for a single mount.
  remount: { ignore: true },
  // runc's and crun's: a tmpfs begins with what it covers.
  tmpcopyup: { also: 'copyUp' },
  // crun's, for a source or a target that is a symbolic link.
  'copy-symlink': { also: 'copySymlink' },
  'src-nofollow': { also: 'sourceNoFollow' },
  'dest-nofollow': { also: 'targetNoFollow' },
  idmap: { idmap: { recursive: false } },
  ridmap: { idmap: { recursive: true } },
}

/** What a mount's options ask for. */
export interface MountOptions {
  readonly set: number
  readonly clear: number
  readonly recursiveSet: number
  readonly recursiveClear: number
  readonly propagation: readonly { readonly flag: number; readonly recursive: boolean }[]
  readonly bind: 'bind' | 'rbind' | undefined
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
  /** Options for the file system, as they stand. */
  readonly data: readonly string[]
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

/** Sorts the options out. A later option wins over an earlier one that says the opposite. */
export function parseMountOptions(options: readonly string[]): MountOptions {
  const bits = { set: 0, clear: 0, recursiveSet: 0, recursiveClear: 0 }
  const propagation: { flag: number; recursive: boolean }[] = []
  const data: string[] = []
  const also = { copyUp: false, copySymlink: false, sourceNoFollow: false, targetNoFollow: false }
  let bind: MountOptions['bind']
  let idmap: MountOptions['idmap']
  for (const option of options) {
    const found = effectOf(option)
    if (!found) data.push(option)
    else if ('set' in found.effect) {
      const { set: on, clear: off } = found.effect
      const [setKey, clearKey] = found.recursive
        ? (['recursiveSet', 'recursiveClear'] as const)
        : (['set', 'clear'] as const)
      // A field is cleared as a whole; what was set before in it goes.
      bits[setKey] = (bits[setKey] & ~off) | on
      bits[clearKey] = (bits[clearKey] & ~(on & ~ATTR.atimeMask)) | off
    } else if ('propagation' in found.effect) {
      propagation.push({ flag: found.effect.propagation, recursive: found.effect.recursive })
    } else if ('bind' in found.effect) bind = found.effect.bind
    else if ('filesystem' in found.effect) data.push(found.effect.filesystem)
    else if ('also' in found.effect) also[found.effect.also] = true
    else if ('idmap' in found.effect) idmap = { ...found.effect.idmap, maps: option.replace(/^r?idmap=?/, '') }
  }
  return { ...bits, ...also, propagation, bind, idmap, data }
}

/** Every option known here, for `features`: plain, recursive and propagation forms, sorted. */
export function knownMountOptions(): string[] {
  const attributes = Object.keys(ATTRIBUTES)
  return [...attributes, ...attributes.map((name) => `r${name}`), ...Object.keys(OTHERS)].sort()
}
