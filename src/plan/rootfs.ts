/** The rootfs: propagation, private procfs, attaching the rootfs, changing the root, making it read-only. */
import { parentPath } from '../base/path.ts'
import { O_DIRECTORY, O_PATH, O_RDONLY, PROC_SUPER_MAGIC } from '../kernel/files.ts'
import { ATTR, MS_PRIVATE, MS_REC, MS_SHARED, MS_SLAVE, MS_UNBINDABLE } from '../kernel/mount.ts'
import { NAMESPACES } from '../kernel/namespaces.ts'
import { namespace, type PlanContext, SLOT } from './context.ts'
import type { ChildStep, Origin } from './step.ts'

const PROPAGATION: Readonly<Record<string, number>> = {
  shared: MS_SHARED,
  rshared: MS_SHARED | MS_REC,
  slave: MS_SLAVE,
  rslave: MS_SLAVE | MS_REC,
  private: MS_PRIVATE,
  rprivate: MS_PRIVATE | MS_REC,
  unbindable: MS_UNBINDABLE,
  runbindable: MS_UNBINDABLE | MS_REC,
}

/** Every ancestor of a path and the path itself, deepest first. */
function ancestors(path: string): string[] {
  const list = [path]
  for (let at = path; at !== '/'; at = parentPath(at)) list.push(parentPath(at))
  return list
}

/** What the mounts of the host become in the container's namespace; undefined: they stay in its peer groups. */
export function hostPropagation(ctx: Pick<PlanContext, 'spec'>): number | undefined {
  const asked = ctx.spec.linux?.rootfsPropagation
  if (asked === 'shared' || asked === 'rshared') return undefined
  // What the host mounts later may still arrive (slave), what is mounted here never goes there.
  return asked === 'private' || asked === 'rprivate' ? MS_PRIVATE : MS_SLAVE
}

/**
 * Before any mount of ours. Steps that change propagation exist only in a mount namespace of the container's: without
 * one they would change the host's.
 */
export function planPropagation(ctx: PlanContext): ChildStep[] {
  const asked = ctx.spec.linux?.rootfsPropagation
  const config = asked ? { config: '/linux/rootfsPropagation' } : {}
  const flag = hostPropagation(ctx)
  if (flag !== undefined) {
    const flags = flag | MS_REC
    return [
      { kind: 'propagation', path: '/', flags, origin: { ...config, doing: 'detach mount propagation from the host' } },
    ]
  }
  // The container stays in the host's peer groups; only the mount that the rootfs lies on must not be shared, or
  // pivot_root refuses and our mounts appear on the host. Which of the ancestors that is, the kernel says.
  const chain = ancestors(ctx.rootfs)
  return chain.flatMap((path, i): ChildStep[] => [
    {
      kind: 'propagation',
      path,
      flags: MS_PRIVATE,
      ...(path === '/' ? {} : { tolerate: ['EINVAL'], skip: 1 }),
      origin: { ...config, doing: 'make the mount below the rootfs private' },
    },
    ...(path === '/' ? [] : [{ kind: 'jump' as const, skip: 2 * (chain.length - 1 - i) - 1 }]),
  ])
}

/**
 * CVE-2025-52881: every write below /proc goes through this mount of our own, which nothing can be mounted over.
 * Where procfs may not be mounted (a user namespace without its own pid namespace), the host's is taken.
 */
export function planPrivateProc(): ChildStep[] {
  const doing = 'open a private procfs'
  return [
    {
      kind: 'fsmount',
      out: SLOT.proc,
      type: 'proc',
      options: [],
      attributes: ATTR.nosuid | ATTR.nodev | ATTR.noexec,
      tolerate: ['EPERM'],
      skip: 1,
      origin: { doing },
    },
    { kind: 'jump', skip: 1 },
    { kind: 'open', out: SLOT.proc, dir: SLOT.hostProc, path: '.', flags: O_PATH | O_DIRECTORY, origin: { doing } },
    { kind: 'verify', slot: SLOT.proc, is: { filesystem: PROC_SUPER_MAGIC }, origin: { doing } },
  ]
}

/** The rootfs becomes a mount of its own, on its own path; from here on it is known by its fd. */
export function planAttachRoot(ctx: PlanContext): ChildStep[] {
  const origin = { config: '/root/path', doing: `mount the rootfs "${ctx.rootfs}"` }
  return [
    { kind: 'cloneTree', out: SLOT.root, dir: 'cwd', path: ctx.rootfs, recursive: true, origin },
    { kind: 'verify', slot: SLOT.root, is: 'directory', origin },
    ...secludeSteps(ctx, origin),
    { kind: 'attachAt', mount: SLOT.root, path: ctx.rootfs, origin },
    // For masking files; taken before the host's root goes away, and only if it is the device it should be.
    {
      kind: 'open',
      out: SLOT.nullDevice,
      dir: 'cwd',
      path: '/dev/null',
      flags: O_PATH,
      origin: { doing: 'open the host\'s "/dev/null"' },
    },
    { kind: 'verify', slot: SLOT.nullDevice, is: { char: [1, 3] }, origin: { doing: 'check the host\'s "/dev/null"' } },
  ]
}

/**
 * What is mounted on the rootfs of a container that runs does not appear in it, unless the configuration speaks of
 * propagation: on most machines all mounts are shared, and their clone would follow them. As in runc and crun.
 */
function secludeSteps({ spec }: PlanContext, origin: Origin): ChildStep[] {
  if (spec.linux?.rootfsPropagation) return []
  const propagation = MS_PRIVATE
  return [{ kind: 'setAttributes', slot: SLOT.root, recursive: false, set: 0, clear: 0, propagation, origin }]
}

/** Without a mount namespace the rootfs is only a directory to chroot into. */
export function planOpenRoot(ctx: PlanContext): ChildStep[] {
  const origin = { config: '/root/path', doing: `open the rootfs "${ctx.rootfs}"` }
  return [{ kind: 'open', out: SLOT.root, dir: 'cwd', path: ctx.rootfs, flags: O_PATH | O_DIRECTORY, origin }]
}

/** The change of root. The fd of the root stays valid through it. */
export function planChangeRoot(ctx: PlanContext): ChildStep[] {
  const origin = { config: '/root/path', doing: `change the root to "${ctx.rootfs}"` }
  const mounts = namespace(ctx.spec, 'mount')
  if (mounts === undefined) return [{ kind: 'chroot', root: SLOT.root, origin }]
  const change: ChildStep = { kind: ctx.request.noPivot ? 'moveRoot' : 'pivotRoot', root: SLOT.root, origin }
  return mounts === 'new' ? [...leaveChroot(ctx), change] : [change]
}

/**
 * SAFETY: whoever called us may live in a chroot. The root that is changed would be that one, and above it the
 * namespace's own, the host's, would stay: a process that enters the namespace, as `exec` does, begins there. Entering
 * the namespace that we are in takes us to its root. setns(2).
 */
function leaveChroot(ctx: PlanContext): ChildStep[] {
  const own = ctx.scratch(0)
  const path = 'self/ns/mnt'
  const origin = { doing: 'go to the root of the mount namespace' }
  return [
    { kind: 'open', out: own, dir: SLOT.proc, path, flags: O_RDONLY, origin },
    { kind: 'join', slot: own, flag: NAMESPACES.mount.flag, path, origin },
    { kind: 'close', slot: own },
  ]
}

/** ORDER: after hooks that may write into the rootfs, and last of the changes to it. */
export function planRootAttributes(ctx: PlanContext): ChildStep[] {
  const steps: ChildStep[] = []
  const asked = ctx.spec.linux?.rootfsPropagation
  if (asked) {
    // The value asked for comes last, on the root that the container then has.
    const origin = { config: '/linux/rootfsPropagation', doing: `make the rootfs ${asked}` }
    steps.push({ kind: 'propagation', path: '/', flags: PROPAGATION[asked] ?? MS_SLAVE, origin })
  }
  if (ctx.spec.root?.readonly) {
    const origin = { config: '/root/readonly', doing: 'make the rootfs read-only' }
    steps.push({ kind: 'setAttributes', slot: SLOT.root, recursive: false, set: ATTR.rdonly, clear: 0, origin })
  }
  return steps
}
