/**
 * The guards of davit that are steps of a plan (code.ts has others), and what a plan is without each. Only the tests' own build
 * (test/weakened/build.ts) contains this; test/system/security_guards.test.ts shows with it that a case of the security
 * tests fails when its guard is off.
 */
import { O_DIRECTORY, O_PATH } from '../../src/kernel/files.ts'
import { PR_SET_DUMPABLE } from '../../src/kernel/prctl.ts'
import { SLOT } from '../../src/plan/context.ts'
import type { ChildStep, Plan } from '../../src/plan/step.ts'
import { CODE, type CodeGuard } from './code.ts'

/** What a step is replaced by. */
type Weakening = (step: ChildStep) => readonly ChildStep[]

const O_NOFOLLOW = 0o400000
const O_EXCL = 0o200
const O_WRONLY_CREAT = 0o101
/** Slots that no plan of the cases uses. */
const SPARE = 500

/** A path seen from a directory, with every link in it followed as from the root of whoever looks. */
const below = (path: string) => `.${path}`

/** Opened with its links followed as from the host's root, where it is there. */
const openBelow = (
  out: number,
  { root, path, origin = {} }: Extract<ChildStep, { root: number; path: string }>,
  flags: number,
): ChildStep => ({
  kind: 'open',
  out,
  dir: root,
  path: below(path),
  flags,
  origin,
})

/** Opened by a walk that follows links out of the root, as runtimes did that checked a path and then used it. */
function walked(out: number, step: Extract<ChildStep, { root: number; path: string }>): ChildStep[] {
  const { root, path, origin = {} } = step
  const parents = path
    .split('/')
    .slice(1)
    .map((_, i, names) => below(`/${names.slice(0, i + 1).join('/')}`))
  return [
    ...parents.map(
      (at): ChildStep => ({ kind: 'mkdir', dir: root, path: at, mode: 0o755, tolerate: ['EEXIST'], origin }),
    ),
    openBelow(out, step, O_PATH),
  ]
}

/** The target of a mount; one that takes its mode from it opens that before. */
function followed(step: ChildStep): ChildStep[] {
  if (step.kind === 'makePath' && step.origin?.config?.startsWith('/mounts/')) return walked(step.out, step)
  if (step.kind !== 'place' || step.path === '/') return [step]
  const { mount, keep, origin = {} } = step
  return [...walked(SPARE, step), { kind: 'attach', mount, to: SPARE, origin, ...(keep ? { keep } : {}) }]
}

/** Name of a guard, in steps or in code. */
export type Guard = StepGuard | CodeGuard

type StepGuard =
  | 'nothing'
  | 'not dumpable'
  | 'targets inside the root'
  | 'real /proc and /sys'
  | "the host's null device"
  | 'no link as console'
  | 'private procfs'
  | 'read-only root'
  | 'no fd of the host'
  | 'no inheritable capability'
  | 'dropped capabilities'
  | 'a session of its own'
  | 'devices inside the root'
  | 'no link as /dev/ptmx'
  | 'masks inside the root'
  | 'cwd inside the root'
  | 'streams that are pipes'
  | 'a umask of its own'

/** By name of the guard; all else of the plan stays. */
const WEAKENED: Readonly<Record<StepGuard, Weakening>> = {
  nothing: (step) => [step],
  'not dumpable': (step) => [step.kind === 'prctl' && step.option === PR_SET_DUMPABLE ? { ...step, args: [1] } : step],
  'targets inside the root': followed,
  'real /proc and /sys': (step) => [step.kind === 'place' ? { ...step, noLinks: false } : step],
  "the host's null device": (step) => {
    if (step.kind === 'verify' && step.slot === SLOT.nullDevice) return []
    if (step.kind !== 'open' || step.out !== SLOT.nullDevice) return [step]
    return [{ ...step, dir: SLOT.root, path: 'dev/null' }]
  },
  'no link as console': (step) => {
    if (step.kind !== 'open' || step.path !== 'console') return [step]
    const { inRoot, noLinks, ...open } = step
    return [{ ...open, flags: inRoot && noLinks ? step.flags : O_WRONLY_CREAT & ~(O_EXCL | O_NOFOLLOW) }]
  },
  'private procfs': (step) =>
    step.kind === 'write' && step.dir === SLOT.proc && step.path.startsWith('sys/')
      ? [{ ...step, dir: SLOT.root, path: `proc/${step.path}` }]
      : [step],
  'read-only root': (step) => (step.kind === 'setAttributes' && step.slot === SLOT.root ? [] : [step]),
  'no fd of the host': (step) => {
    // ORDER: the directory is entered while what is open leads to the host, and nobody looks where it is.
    if (step.kind === 'close') return []
    return step.kind === 'chdir' ? [{ ...step, kind: 'call', name: 'chdir', args: [step.path] }] : [step]
  },
  'no inheritable capability': (step) => [step.kind === 'capset' ? { ...step, inheritable: step.permitted } : step],
  'dropped capabilities': (step) => (step.kind === 'boundingDrop' || step.kind === 'capset' ? [] : [step]),
  'a session of its own': (step) => (step.kind === 'setsid' ? [] : [step]),
  'devices inside the root': (step) => {
    const device = step.origin?.config?.startsWith('/linux/devices/') ?? false
    if (step.kind !== 'makePath' || (step.out !== SLOT.dev && !device)) return [step]
    return [openBelow(step.out, step, O_PATH)]
  },
  'no link as /dev/ptmx': (step) => {
    if (step.kind === 'unlink' && step.path === 'ptmx') return []
    if (step.kind !== 'symlink' || step.path !== 'ptmx') return [step]
    return [{ kind: 'open', out: SPARE, dir: step.dir, path: 'ptmx', flags: O_WRONLY_CREAT, origin: step.origin ?? {} }]
  },
  'masks inside the root': (step) => {
    if (step.kind !== 'maskPath') return [step]
    const origin = step.origin ?? {}
    const cover: ChildStep[] = [
      { kind: 'fsmount', out: SPARE + 1, type: 'tmpfs', options: [], attributes: 0, origin },
      { kind: 'attach', mount: SPARE + 1, to: SPARE, origin },
    ]
    return [{ ...openBelow(SPARE, step, O_PATH | O_DIRECTORY), tolerate: ['ENOENT', 'ENOTDIR'], skip: 2 }, ...cover]
  },
  'cwd inside the root': (step) => {
    if (step.kind === 'makePath' && step.origin?.config === '/process/cwd') return [openBelow(SPARE, step, O_PATH)]
    if (step.kind === 'close' && step.slot < SPARE) return [step]
    return step.kind === 'chdir' ? [{ ...step, kind: 'call', name: 'fchdir', args: [{ slot: SPARE }] }] : [step]
  },
  'streams that are pipes': (step) =>
    step.kind === 'chownStream'
      ? [
          {
            ...step,
            kind: 'call',
            name: 'fchown',
            args: [step.fd, step.uid, -1],
            tolerate: ['EPERM', 'EINVAL', 'EROFS'],
            skip: 0,
          },
        ]
      : [step],
  'a umask of its own': (step) => (step.kind === 'umask' && step.mask === 0 ? [] : [step]),
}

/** A step may have become several or none: what skips others is to skip what these have become. */
function rewrite(steps: readonly ChildStep[], weakening: Weakening): ChildStep[] {
  const groups = steps.map(weakening)
  return groups.flatMap((group, i) => {
    const skip = steps[i]?.skip
    if (skip === undefined) return group
    const over = groups.slice(i + 1, i + 1 + skip).flat().length
    return group.map((step, j) => ({ ...step, skip: over + group.length - 1 - j }))
  })
}

/** The plan with one guard off. */
export function weaken(plan: Plan, guard: Guard): Plan {
  const weakening = guard in CODE ? WEAKENED.nothing : WEAKENED[guard as StepGuard]
  return { ...plan, stage: rewrite(plan.stage, weakening), init: rewrite(plan.init, weakening) }
}
