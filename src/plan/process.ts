/** The process itself: session, limits, working directory, what it executes. */
import { O_DIRECTORY, O_PATH, S_IFIFO, S_IFSOCK } from '../kernel/files.ts'
import { SIGKILL } from '../kernel/prctl.ts'
import { rlimitNumber } from '../kernel/rlimits.ts'
import { chdirStep, execStep, executableCandidates, findStep } from './command.ts'
import { hasUserNamespace, type ProcessContext, SLOT } from './context.ts'
import { lastOfEach } from './environment.ts'
import { labelledKeyring } from './labels.ts'
import { dieWithParent, dumpable } from './protection.ts'
import { filterOf, planMark, planTaking } from './seccomp/filter.ts'
import type { ChildStep, Origin } from './step.ts'

/**
 * First of all. The OOM score is written through the host's /proc while the file is still our own; from
 * non-dumpable on, nothing in a container can open our /proc files or trace us (CVE-2016-9962).
 * A runtime that dies half-way takes the container with it. `later`: who calls puts {@link dumpable} where it belongs.
 */
export function planProtection(ctx: ProcessContext, later = false): ChildStep[] {
  const steps: ChildStep[] = []
  const score = ctx.spec.process?.oomScoreAdj
  if (score !== undefined) {
    const origin = { config: '/process/oomScoreAdj', doing: `set oom_score_adj to ${score}` }
    steps.push({ kind: 'write', dir: SLOT.hostProc, path: 'self/oom_score_adj', data: `${score}`, origin })
  }
  return [...steps, ...(later ? [] : [dumpable(false)]), dieWithParent(SIGKILL)]
}

/** Devices and directories belong to root's group, whatever the caller's; in a user namespace we become root of that. */
export function planOwnGroup({ facts, spec }: ProcessContext): ChildStep[] {
  if (facts.euid !== 0 || facts.egid === 0 || hasUserNamespace(spec)) return []
  return [{ kind: 'call', name: 'setfsgid', args: [0], origin: { doing: "make files as root's group" } }]
}

/**
 * The cgroups of the container, and then its CPUs. v1: a single thread that moves itself takes no lock and waits for no
 * grace period.
 */
export function planEnterCgroups(
  ctx: ProcessContext & { readonly cgroup: { readonly tasks: readonly string[]; readonly unit?: object } | undefined },
  cpus: readonly ChildStep[] = [CPUSET],
): ChildStep[] {
  if (!ctx.cgroup) return []
  const steps = ctx.cgroup.tasks.flatMap((path): ChildStep[] => {
    const slot = ctx.slot()
    ctx.presets.push({ kind: 'cgroupTasks', slot, path })
    const origin = { config: '/linux/cgroupsPath', doing: `join cgroup by "${path}"` }
    return [
      // Empty where the parent was not allowed to make the cgroup and may do without (rootless).
      { kind: 'writeSlot', slot, data: '0', ifOpen: true, origin },
      { kind: 'close', slot },
    ]
  })
  // SAFETY: nothing of ours that is larger, and no namespace, is there before.
  const unit: ChildStep[] = ctx.cgroup.unit
    ? [{ kind: 'sync', tag: 'cgroup', wait: true, origin: { doing: 'wait for the cgroup of systemd' } }]
    : []
  return [...unit, ...steps, ...cpus]
}

/** KERNEL(6.2): the CPUs that the caller was pinned to are remembered over the move into another cpuset. */
const CPUSET: ChildStep = {
  kind: 'anyCpu',
  tolerate: ['ENOSYS', 'EPERM'],
  skip: 0,
  origin: { doing: 'leave the CPUs to the cpuset' },
}

export function planSession(ctx: ProcessContext): ChildStep[] {
  const steps: ChildStep[] = [{ kind: 'setsid', origin: { doing: 'become a session leader' } }]
  if (!ctx.request.noNewKeyring) {
    // Kernels without keys, and sandboxes that forbid them, are no reason to fail.
    const origin = { doing: 'join a session keyring of its own' }
    const keyring: ChildStep = {
      kind: 'keyring',
      name: `_ses.${ctx.request.id}`,
      tolerate: ['ENOSYS', 'EPERM', 'EDQUOT', 'EACCES'],
      skip: 0,
      origin,
    }
    steps.push(...labelledKeyring(ctx.spec.process, keyring))
  }
  return steps
}

/** ORDER: nofile last would not matter to us, all our fds are open by then; nproc is checked at exec. */
export function planRlimits(ctx: ProcessContext): ChildStep[] {
  const configured = ctx.spec.process?.rlimits ?? []
  const steps = configured.map((limit, index) => {
    const [soft, hard] = [String(limit.soft), String(limit.hard)]
    const origin = { config: `/process/rlimits/${index}`, doing: `set ${limit.type} to ${soft}:${hard}` }
    return rlimit(limit.type, soft, hard, origin)
  })
  const { nofile } = ctx.facts
  if (!nofile || configured.some(({ type }) => type === 'RLIMIT_NOFILE')) return steps
  // The engine has raised the soft limit for itself; the container is to have the caller's.
  const origin = { doing: `set RLIMIT_NOFILE back to ${nofile[0]}:${nofile[1]}` }
  return [...steps, rlimit('RLIMIT_NOFILE', nofile[0], nofile[1], origin)]
}

function rlimit(name: string, soft: string, hard: string, origin: Origin): ChildStep {
  return { kind: 'rlimit', name, resource: rlimitNumber(name) ?? -1, soft, hard, origin }
}

/** A process of another user must be able to open its pipes again by /proc/self/fd; devices are never touched. */
export function planStdioOwner(ctx: ProcessContext): ChildStep[] {
  const uid = ctx.spec.process?.user?.uid ?? 0
  if (uid === 0 || ctx.spec.process?.terminal) return []
  const origin = { doing: 'give the standard streams to the user' }
  return [0, 1, 2].flatMap((fd): ChildStep[] => [
    { kind: 'chownStream', fd, type: S_IFIFO, uid, origin },
    { kind: 'chownStream', fd, type: S_IFSOCK, uid, origin },
  ])
}

/** The working directory is made if it is missing, as runc does; before the rootfs becomes read-only. */
export function planMakeCwd(ctx: ProcessContext): ChildStep[] {
  const path = ctx.spec.process?.cwd ?? '/'
  const out = ctx.scratch(0)
  const origin = { config: '/process/cwd', doing: `make the working directory "${path}"` }
  if (path === '/') return []
  return [
    // What cannot be made (a read-only file system, a magic link) is left to chdir to judge.
    {
      kind: 'makePath',
      out,
      root: SLOT.root,
      path,
      type: 'directory',
      mode: 0o755,
      tolerate: ['EROFS', 'EACCES', 'ELOOP', 'EPERM'],
      skip: 0,
      origin,
    },
    { kind: 'close', slot: out },
  ]
}

/**
 * CVE-2024-21626: nothing of the host may be reachable through an fd of ours once names of the configuration are looked
 * up (cwd, executable and its interpreter), nor while a created container waits for its start.
 */
export function planCloseHost(ctx: ProcessContext): ChildStep[] {
  const { root, proc, hostProc, nullDevice, emptyTmpfs, dev } = SLOT
  const scratch = [0, 1, 2, 3].map((n) => ctx.scratch(n)) // a step that was skipped may have left one open
  return [root, proc, hostProc, nullDevice, emptyTmpfs, dev, ...scratch].map((slot) => ({ kind: 'close', slot }))
}

/**
 * The directory may be one that only root can enter, or only the user: root tries first, and slot cwd says that it
 * could.
 */
export function planEnterCwdAsRoot(ctx: ProcessContext): ChildStep[] {
  const step = chdirStep(ctx.spec.process?.cwd ?? '/')
  const { origin } = step
  return [
    { ...step, tolerate: ['EACCES', 'EPERM'], skip: 1 },
    { kind: 'open', out: SLOT.cwd, dir: 'cwd', path: '.', flags: O_PATH | O_DIRECTORY, origin },
  ]
}

/** Where root could not, the user tries. */
export function planEnterCwdAsUser(ctx: ProcessContext): ChildStep[] {
  const step = chdirStep(ctx.spec.process?.cwd ?? '/')
  const { origin } = step
  return [
    { kind: 'verify', slot: SLOT.cwd, is: 'directory', tolerate: ['EBADF'], skip: 1, origin },
    { kind: 'jump', skip: 1 },
    step,
    { kind: 'close', slot: SLOT.cwd },
  ]
}

export function planFindExecutable(ctx: ProcessContext): ChildStep[] {
  const { args = [], env = [] } = ctx.spec.process ?? {}
  return [findStep({ args, candidates: executableCandidates(args[0] ?? '', env) })]
}

/** `filtered`: the seccomp filter is loaded here, and not earlier. */
export function planExec(ctx: ProcessContext, filtered: boolean): ChildStep[] {
  const { args = [], env = [] } = ctx.spec.process ?? {}
  const step = execStep({ args, env: lastOfEach(env) }, ctx.request.preserveFds)
  const filter = filtered ? filterOf(ctx) : undefined
  const taking = filtered ? [...planMark(ctx), ...planTaking(ctx)] : []
  return [...taking, filter ? { ...step, filter } : step]
}

/** Umask 0 while nodes and directories are made; at the end the configured one, or 022. */
export function planUmask(mask: number, configured: boolean): ChildStep {
  const origin = {
    ...(configured ? { config: '/process/user/umask' } : {}),
    doing: `set the umask to 0${mask.toString(8)}`,
  }
  return { kind: 'umask', mask, origin }
}
