/**
 * The mounts of a container that criu neither saves nor makes: what comes from the host. An image knows each by a name
 * made of its destination in config.json, never by a path of the container's; not of its number there, as Podman writes
 * a configuration anew when it restores, with the mounts in another order.
 * SAFETY: CVE-2026-115520, CVE-2026-119101: criu reads "mnt[KEY]:VALUE", so that a key with "]:" in it would say
 * something else. A key is a path that the container may have chosen, or a name of ours, in which nothing of that is left.
 */
import { RuntimeError } from '../../base/errors.ts'
import { baseName, cleanPath, isWithin, joinPath } from '../../base/path.ts'
import { ATTR } from '../../kernel/mount.ts'
import { parseMountOptions } from '../../kernel/mount_options.ts'
import type { Spec } from '../../spec/types.gen.ts'
import { NOTIFY_FOLDER } from '../activation.ts'
import { bindSource } from '../bind_mount.ts'
import type { CgroupPlan } from '../cgroup/model.ts'
import { boundDevices, type DeviceNumbers } from '../devices.ts'
import type { Facts } from '../facts.ts'
import type { ExternalMount } from './model.ts'

/** One mount that the host gives. */
export interface HostMount {
  /** What the image calls it. */
  readonly name: string
  /** Absolute in the container, as it is configured: links in it are still to be followed, in the container. */
  readonly target: string
  /** Absolute on the host. */
  readonly source: string
  /** MOUNT_ATTR_* that protect the host, of those in {@link PROTECTION}. */
  readonly attributes: number
  /**
   * Only if what is there now is this device: a masked file, not a masked directory; a device that the container has not
   * taken off.
   */
  readonly device?: DeviceNumbers
  /** Nothing has to be there to mount it on. */
  readonly optional?: true
  /** What error messages call it: a pointer into config.json. */
  readonly config: string
}

export interface HostMountsInput {
  readonly spec: Spec
  /** Absolute path of the bundle. */
  readonly bundle: string
  readonly facts: Pick<Facts, 'cgroup' | 'initialUserns'>
  /** The container's cgroups; undefined: it has none of its own. */
  readonly cgroup: Pick<CgroupPlan, 'dirs'> | undefined
  /** The host's folder of its notify socket, if it may have one. */
  readonly notify?: string
}

/** KERNEL: the flags of statfs(2) have the same bits. */
export const PROTECTION = ATTR.rdonly | ATTR.nosuid | ATTR.nodev | ATTR.noexec

const isReadonly = (mount: HostMount | undefined) => ((mount?.attributes ?? 0) & ATTR.rdonly) !== 0

const NULL_DEVICE = 'davit-null'
/** Documentation/admin-guide/devices.txt. */
const NULL: DeviceNumbers = { char: [1, 3] }
const BIND = 'davit-mount-'
const DEVICE = 'davit-device-'

/** A path as a word without brackets, colons and the like; no two paths have one. */
const word = (path: string) => path.replace(/[^\w./-]/g, (char) => `%${char.charCodeAt(0).toString(16)};`)

/** All of them, in the order in which they are mounted. */
export function hostMounts(input: HostMountsInput): HostMount[] {
  return [...configured(input), ...notifyMount(input), ...devices(input), ...masked(input.spec)]
}

function configured(input: HostMountsInput): HostMount[] {
  const seen = new Map<string, number>()
  /** A second mount at one place is another one. */
  const nameAt = (target: string) => {
    const before = seen.get(target) ?? 0
    seen.set(target, before + 1)
    return `${BIND}${word(target)}${before === 0 ? '' : `+${before}`}`
  }
  return (input.spec.mounts ?? []).flatMap((mount, index): HostMount[] => {
    const options = parseMountOptions(mount.options ?? [])
    const target = cleanPath(`/${mount.destination}`)
    const config = `/mounts/${index}`
    const attributes = options.set & PROTECTION
    if (options.bind && !options.copySymlink)
      return [{ name: nameAt(target), target, source: bindSource(mount, input.bundle), attributes, config }]
    return mount.type === 'cgroup' && !options.remount ? cgroupMounts(input, { target, attributes, config }) : []
  })
}

/** On v2 criu makes the mount itself; the hierarchies of v1 it does not know how to show a part of. */
function cgroupMounts(
  { facts, cgroup }: HostMountsInput,
  { target, ...rest }: Pick<HostMount, 'target' | 'attributes' | 'config'>,
): HostMount[] {
  if (facts.cgroup.mode === 'unified') return []
  const { v1, v2 } = facts.cgroup
  return [...v1, ...(v2 ? [v2] : [])].map(({ mount, own }) => {
    const place = joinPath(target, baseName(mount))
    const source = cgroup?.dirs.find((dir) => dir.mount === mount)?.path ?? joinPath(mount, own)
    return { name: `davit-cgroup-${word(place)}`, target: place, source, ...rest }
  })
}

function notifyMount({ notify }: HostMountsInput): HostMount[] {
  if (notify === undefined) return []
  const place = { target: NOTIFY_FOLDER, source: notify, config: 'NOTIFY_SOCKET' }
  return [{ name: 'davit-notify', ...place, attributes: PROTECTION, optional: true }]
}

/** In a user namespace, where no node can be made. */
function devices(input: HostMountsInput): HostMount[] {
  return boundDevices(input).map(({ path, is, attributes, config }) => {
    return { name: `${DEVICE}${word(path)}`, target: path, source: path, attributes, device: is, config }
  })
}

function masked({ linux }: Spec): HostMount[] {
  const paths = [...new Set((linux?.maskedPaths ?? []).map(cleanPath))]
  const how = { name: NULL_DEVICE, source: '/dev/null', attributes: 0, device: NULL, optional: true } as const
  return paths.map((target) => ({ ...how, target, config: '/linux/maskedPaths' }))
}

/** A path that criu reads back as what it is. */
export function checkReadable(path: string, { config }: Pick<HostMount, 'config'>): void {
  if (!/[\]\n\0]/.test(path)) return
  const words = `criu cannot handle ${JSON.stringify(path)} as a mount point: it contains "]" or a line break`
  throw new RuntimeError('unsupported', `${words}, from ${config}`, [{ pointer: config, message: words }])
}

/** What criu is told when it restores: one entry for each name. */
export function externalMounts(mounts: readonly HostMount[]): ExternalMount[] {
  const sources = new Map(mounts.map(({ name, source }) => [name, source]))
  return [...sources].map(([key, val]) => ({ key, val }))
}

/** Something to mount on that has to be there before criu restores. */
export interface MountPoint {
  /** The folder on the host that it is in: the rootfs, or what is bound over a part of it. */
  readonly base: string
  /** Below that. */
  readonly path: string
  /** What will be mounted there, if that is the host's; a file wants a file. */
  readonly source?: string
  readonly config: string
}

/** File systems of the container's own come back with all that is in them, and nothing is made where it is read-only. */
export function mountPoints(spec: Spec, rootfs: string, mounts: readonly HostMount[]): MountPoint[] {
  const bound = new Map(mounts.map((mount) => [mount.config, mount]))
  const mounted = (spec.mounts ?? []).map(({ destination }, index) => {
    const config = `/mounts/${index}`
    const source = bound.get(config)?.name.startsWith(BIND) ? bound.get(config)?.source : undefined
    return { target: cleanPath(`/${destination}`), config, ...(source === undefined ? {} : { source }) }
  })
  const all = [...mounted, ...mounts.filter(({ name }) => name.startsWith(DEVICE))]
  return all.flatMap(({ target, source, config }, index): MountPoint[] => {
    const rest = { ...(source === undefined ? {} : { source }), config }
    const cover = all.slice(0, index).findLast((other) => isWithin(target, other.target))
    if (!cover) return target === '/' ? [] : [{ base: rootfs, path: target, ...rest }]
    const path = target.slice(cover.target === '/' ? 0 : cover.target.length)
    const { source: base } = cover
    return base === undefined || isReadonly(bound.get(cover.config)) || path === '' ? [] : [{ base, path, ...rest }]
  })
}
