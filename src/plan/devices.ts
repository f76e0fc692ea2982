/**
 * Device nodes and links of /dev. They are made before the root changes, so every name is used in a directory fd that
 * was opened inside the root (CVE-2026-41579), and no last component is followed.
 */
import { baseName, cleanPath, parentPath } from '../base/path.ts'
import { O_NOFOLLOW, O_PATH, S_IFBLK, S_IFCHR, S_IFIFO } from '../kernel/files.ts'
import { ATTR } from '../kernel/mount.ts'
import type { Device } from '../spec/types.gen.ts'
import { hasUserNamespace, type PlanContext, SLOT } from './context.ts'
import type { Facts } from './facts.ts'
import { devIsBound } from './mounts.ts'
import type { ChildStep, Origin, Slot } from './step.ts'

/** SPEC: config-linux.md#default-devices; console and ptmx are made elsewhere. Numbers: Documentation/admin-guide/devices.txt. */
const DEFAULT_DEVICES: readonly Device[] = [
  { path: '/dev/null', type: 'c', major: 1, minor: 3, fileMode: 0o666 },
  { path: '/dev/zero', type: 'c', major: 1, minor: 5, fileMode: 0o666 },
  { path: '/dev/full', type: 'c', major: 1, minor: 7, fileMode: 0o666 },
  { path: '/dev/random', type: 'c', major: 1, minor: 8, fileMode: 0o666 },
  { path: '/dev/urandom', type: 'c', major: 1, minor: 9, fileMode: 0o666 },
  { path: '/dev/tty', type: 'c', major: 5, minor: 0, fileMode: 0o666 },
]

/** SPEC: runtime-linux.md#dev-symbolic-links. */
const LINKS = [
  ['fd', '/proc/self/fd'],
  ['stdin', '/proc/self/fd/0'],
  ['stdout', '/proc/self/fd/1'],
  ['stderr', '/proc/self/fd/2'],
] as const

const FILE_TYPE = { c: S_IFCHR, u: S_IFCHR, b: S_IFBLK, p: S_IFIFO } as const

interface Planned {
  readonly device: Device
  readonly origin: Origin
}

function devices(ctx: Pick<PlanContext, 'spec'>): Planned[] {
  const configured = (ctx.spec.linux?.devices ?? []).map((device, index) => ({
    device: { ...device, path: cleanPath(device.path) },
    origin: { config: `/linux/devices/${index}`, doing: `create device "${device.path}"` },
  }))
  const own = new Set(configured.map(({ device }) => device.path))
  const defaults = DEFAULT_DEVICES.filter(({ path }) => !own.has(path)).map((device) => ({
    device,
    origin: { doing: `create default device "${device.path}"` },
  }))
  return [...defaults, ...configured]
}

/** Of a block or a character device: major and minor number. */
export type DeviceNumbers = { readonly block: readonly [number, number] } | { readonly char: readonly [number, number] }

/** What a device is, for a file that should be that. */
function identity(device: Device): DeviceNumbers | 'fifo' {
  if (device.type === 'p') return 'fifo'
  return device.type === 'b' ? { block: numbers(device) } : { char: numbers(device) }
}

/** A rule has seen that they fit in dev_t. */
function numbers({ major = 0, minor = 0 }: Device): [major: number, minor: number] {
  return [Number(major), Number(minor)]
}

/**
 * mknod in the directory `dir`. Mode as given (the umask is 0), owner only if it is not root. What is there already stays.
 * SPEC: config-linux.md#devices: it must be the device that is asked for. Images may have what they like in the place of
 * the default ones.
 */
function nodeSteps(ctx: PlanContext, { device, origin }: Planned, dir: Slot): ChildStep[] {
  const name = baseName(device.path)
  // Engines send modes as stat(2) has them; their file type must not change that of the device.
  const mode = FILE_TYPE[device.type] | ((device.fileMode ?? 0o666) & 0o7777)
  const { uid = 0, gid = 0 } = device
  const make: ChildStep = {
    kind: 'mknod',
    dir,
    path: name,
    mode,
    device: numbers(device),
    origin,
  }
  const own: ChildStep[] = uid === 0 && gid === 0 ? [] : [{ kind: 'chown', dir, path: name, uid, gid, origin }]
  if (origin.config === undefined) return [{ ...make, tolerate: ['EEXIST'], skip: own.length }, ...own]
  const found = ctx.scratch(1)
  const check: ChildStep[] = [
    { kind: 'open', out: found, dir, path: name, flags: O_PATH | O_NOFOLLOW, origin },
    { kind: 'verify', slot: found, is: identity(device), origin },
    { kind: 'close', slot: found },
  ]
  const made: ChildStep[] = [...own, { kind: 'jump', skip: check.length }]
  return [{ ...make, tolerate: ['EEXIST'], skip: made.length }, ...made, ...check]
}

/** Attributes of a bound device. */
const BOUND = ATTR.nosuid | ATTR.noexec

/** Where mknod is not allowed (a user namespace) the host's device is bound, after a look at what it is. */
function bindSteps(ctx: PlanContext, { device, origin }: Planned): ChildStep[] {
  const made = ctx.scratch(0)
  return [
    { kind: 'cloneTree', out: made, dir: 'cwd', path: device.path, recursive: false, origin },
    { kind: 'verify', slot: made, is: identity(device), origin },
    // What its file system on the host forbids or allows says nothing about what the container may do with it.
    { kind: 'setAttributes', slot: made, recursive: false, set: BOUND, clear: 0, origin },
    { kind: 'place', mount: made, root: SLOT.root, path: device.path, type: 'file', origin },
  ]
}

/** /dev of the container, in-root, for the steps below and for the console. */
function openDev(): ChildStep {
  const origin = { doing: 'open "/dev" of the container' }
  return { kind: 'makePath', out: SLOT.dev, root: SLOT.root, path: '/dev', type: 'directory', mode: 0o755, origin }
}

/** What a container needs of {@link PlanContext} to say how it gets its devices. */
export interface DevicesInput {
  readonly spec: PlanContext['spec']
  readonly facts: Pick<Facts, 'initialUserns'>
}

/** mknod in a user namespace is EPERM wherever the kernel allows it at all. */
function areBound({ spec, facts }: DevicesInput): boolean {
  return hasUserNamespace(spec) || !facts.initialUserns
}

/** A device of the host that is mounted in a container. */
export interface BoundDevice {
  readonly path: string
  readonly is: DeviceNumbers
  /** MOUNT_ATTR_*. */
  readonly attributes: number
  /** What error messages call it. */
  readonly config: string
}

/** The devices that are mounts; none where they are nodes of the container's own. */
export function boundDevices(input: DevicesInput): BoundDevice[] {
  if (devIsBound(input) || !areBound(input)) return []
  return devices(input).flatMap(({ device, origin }): BoundDevice[] => {
    const is = identity(device)
    if (is === 'fifo') return []
    return [{ path: device.path, is, attributes: BOUND, config: origin.config ?? `default device "${device.path}"` }]
  })
}

export function planDevices(ctx: PlanContext): ChildStep[] {
  if (devIsBound(ctx)) return []
  const steps: ChildStep[] = [openDev()]
  const bind = areBound(ctx)
  for (const planned of devices(ctx)) {
    const parent = parentPath(planned.device.path)
    if (bind && planned.device.type !== 'p') steps.push(...bindSteps(ctx, planned))
    else if (parent === '/dev') steps.push(...nodeSteps(ctx, planned, SLOT.dev))
    else {
      const dir = ctx.scratch(0)
      const { origin } = planned
      steps.push({ kind: 'makePath', out: dir, root: SLOT.root, path: parent, type: 'directory', mode: 0o755, origin })
      steps.push(...nodeSteps(ctx, planned, dir), { kind: 'close', slot: dir })
    }
  }
  for (const [name, target] of LINKS) {
    const origin = { doing: `link "/dev/${name}"` }
    steps.push({ kind: 'symlink', dir: SLOT.dev, path: name, target, tolerate: ['EEXIST'], skip: 0, origin })
  }
  // The multiplexer must be that of the container's own devpts.
  const ptmx = { doing: 'link "/dev/ptmx"' }
  steps.push(
    { kind: 'unlink', dir: SLOT.dev, path: 'ptmx', tolerate: ['ENOENT'], skip: 0, origin: ptmx },
    { kind: 'symlink', dir: SLOT.dev, path: 'ptmx', target: 'pts/ptmx', origin: ptmx },
  )
  return steps
}
