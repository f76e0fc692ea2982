/**
 * Mounts of a container that runs: a third list for the executor, of a process that enters the container's mount
 * namespace, works there on fds and ends. It runs nothing, and is in no namespace in which the container could see it.
 */

import type { Problem } from '../base/errors.ts'
import { cleanPath } from '../base/path.ts'
import { O_DIRECTORY, O_PATH } from '../kernel/files.ts'
import { parseMountOptions } from '../kernel/mount_options.ts'
import type { NamespaceType } from '../kernel/namespaces.ts'
import { SIGKILL } from '../kernel/prctl.ts'
import type { Mount, Spec } from '../spec/types.gen.ts'
import { planContext, SLOT } from './context.ts'
import type { Facts } from './facts.ts'
import { joinedNamespaces, planJoin } from './join.ts'
import type { MountContext } from './mount_model.ts'
import { planMounts } from './mounts.ts'
import { planEnterCgroups, planUmask } from './process.ts'
import { dieWithParent, dumpable } from './protection.ts'
import type { ChildStep, HostStep, Plan, Slot } from './step.ts'
import { mountProblems } from './unsupported.ts'
import { refuseAll } from './unsupported_process.ts'

export interface RunningInput {
  /** The container's configuration. */
  readonly spec: Spec
  readonly facts: Facts
  readonly id: string
  /** Absolute path of the bundle, which relative sources count from. */
  readonly bundle: string
  /** What symbolic links say that are sources of the mounts. */
  readonly links?: Readonly<Record<string, string>>
  /** The container's init, on the host. */
  readonly pid: number
  /** The types in which init's namespace is not the runtime's own; mount is among them. */
  readonly join: readonly NamespaceType[]
  /** The way into the container's cgroups, for what is allocated in its name; undefined: stays outside. */
  readonly cgroup?: { readonly tasks: readonly string[]; readonly into: boolean }
}

/** File systems that show what is in the namespace of whoever makes them. */
const SHOWS: Readonly<Record<string, NamespaceType>> = {
  sysfs: 'network',
  mqueue: 'ipc',
  cgroup: 'cgroup',
  cgroup2: 'cgroup',
}

/**
 * The plan that adds mounts, in order. `name` is what errors call the list; their pointers are the list's.
 * Throws RuntimeError 'unsupported'.
 */
export function planAdd(input: RunningInput, mounts: readonly Mount[], name: string): Plan {
  const ctx = visitor(input, mounts)
  refuseAll([...mountProblems(ctx.spec, ctx.facts, ''), ...additionProblems(input, mounts)], name)
  const { steps, late } = planMounts(ctx)
  const types = new Set(mounts.flatMap(({ type = '' }) => SHOWS[type] ?? []))
  return visit(ctx, input, [...types], [...announced(steps), ...late])
}

/** The plan that takes off the uppermost mount at each destination, once all of them are known to be mounts. */
export function planRemove(input: RunningInput, mounts: readonly Mount[], name: string): Plan {
  refuseAll(removalProblems(mounts), name)
  const ctx = visitor(input, [])
  const found = mounts.map(({ destination }, index) => {
    const slot = ctx.slot()
    const path = cleanPath(`/${destination}`)
    const origin = { config: `/${index}`, doing: `remove the mount on "${destination}"` }
    return { slot, path, origin }
  })
  const look = found.flatMap(({ slot, path, origin }): ChildStep[] => [
    { kind: 'open', out: slot, dir: SLOT.root, path, flags: O_PATH, inRoot: true, origin },
    { kind: 'verifyMount', slot, origin },
  ])
  // What is mounted on one that was listed before goes first.
  const take = found.reverse().map(({ slot, origin }) => takeOff(slot, origin))
  return visit(ctx, input, [], [...look, ...take])
}

/** The plan that takes off again what a failed {@link planAdd} had come to: the first `count` of its mounts. */
export function planTakeBack(input: RunningInput, count: number): Plan {
  const ctx = visitor(input, [])
  const steps: ChildStep[] = []
  for (let index = count - 1; index >= 0; index--) {
    const slot = ctx.slot()
    ctx.presets.push({ kind: 'mount', slot, index })
    // The last one may not have been attached, and what was in another is gone with it.
    const origin = { doing: `take mount ${index} off again` }
    steps.push({ ...takeOff(slot, origin), tolerate: ['EINVAL'], skip: 0 }, { kind: 'close', slot })
  }
  return visit(ctx, input, [], steps)
}

function takeOff(slot: Slot, origin: ChildStep['origin'] & object): ChildStep {
  return { kind: 'unmountSlot', slot, proc: SLOT.hostProc, origin }
}

function visitor({ spec, facts, id, bundle, links, pid, join }: RunningInput, mounts: readonly Mount[]) {
  const linux = { ...spec.linux, namespaces: joinedNamespaces(join, pid) }
  const request = { id, bundle, ...(links ? { links } : {}), noNewKeyring: true, preserveFds: 0 }
  return {
    ...planContext({ spec: { ...spec, mounts, linux }, facts, request }),
    facts,
    request,
    cgroup: undefined,
    entering: true as const,
  } satisfies MountContext
}

/** The whole plan around the steps: in, and out again. */
function visit(
  ctx: ReturnType<typeof visitor>,
  { join, cgroup }: RunningInput,
  types: readonly NamespaceType[],
  steps: readonly ChildStep[],
): Plan {
  ctx.presets.push(
    { kind: 'socket', slot: SLOT.peer },
    { kind: 'open', slot: SLOT.hostProc, path: '/proc', flags: O_PATH | O_DIRECTORY },
  )
  const entered = join.filter((type) => type === 'user' || type === 'mount' || types.includes(type))
  const root = { doing: "open the container's root" }
  return {
    parent: [
      { kind: 'launch', flags: 0, names: [], intoCgroup: cgroup?.into ?? false, origin: { doing: 'start a process' } },
      ...takingSteps(ctx, steps),
      { kind: 'await', tag: 'ready' },
      { kind: 'answer', tag: 'ready' },
    ],
    presets: ctx.presets,
    stage: [],
    init: [
      // ORDER: hidden before it enters.
      dumpable(false),
      dieWithParent(SIGKILL),
      planUmask(0, false),
      ...(cgroup ? [EXPENDABLE] : []),
      ...planEnterCgroups({ ...ctx, cgroup }),
      ...planJoin(ctx, entered),
      { kind: 'open', out: SLOT.root, dir: 'cwd', path: '/', flags: O_PATH | O_DIRECTORY, origin: root },
      ...steps,
      { kind: 'sync', tag: 'ready', wait: true, origin: { doing: 'report that all is done' } },
    ],
    keepFds: 0,
    warnings: ctx.warnings,
  }
}

/** The parent gives what it is asked for, and takes what it is sent, in that order. */
function takingSteps(ctx: ReturnType<typeof visitor>, steps: readonly ChildStep[]): HostStep[] {
  const own = [...ctx.hostSteps]
  return steps.flatMap((step): HostStep[] => {
    if (step.kind === 'take') return own.splice(0, 1)
    if (step.kind !== 'sendFd') return []
    return step.tag === 'idmap' ? own.splice(0, 3) : [{ kind: 'keepMount' }]
  })
}

/** Where the container's memory does not suffice, this process is killed and none of the container's. */
const EXPENDABLE: ChildStep = {
  kind: 'write',
  dir: SLOT.hostProc,
  path: 'self/oom_score_adj',
  data: '1000',
  origin: { doing: 'offer itself to the OOM killer' },
}

/** ORDER: the parent has hold of a mount before it is anywhere, so that whatever fails, it can be taken off again. */
function announced(steps: readonly ChildStep[]): ChildStep[] {
  return steps.flatMap((step): ChildStep[] => {
    if (step.kind !== 'place' && step.kind !== 'attach') return [step]
    return [{ kind: 'sendFd', tag: 'mount', slot: step.mount, ...(step.origin ? { origin: step.origin } : {}) }, step]
  })
}

function additionProblems({ join }: RunningInput, mounts: readonly Mount[]): Problem[] {
  return mounts.flatMap(({ destination, type, options }, index): Problem[] => {
    const { bind, remount } = parseMountOptions(options ?? [])
    if (remount) {
      const message = 'a mount cannot be remounted in a running container: it could not be put back'
      return [{ pointer: `/${index}/options`, message }]
    }
    if (cleanPath(`/${destination}`) === '/') {
      return [{ pointer: `/${index}/destination`, message: 'the root of a running container cannot be covered' }]
    }
    if (bind) return []
    if (type === 'proc') {
      const message = 'a procfs shows the processes of whoever makes it, and this is done from outside the container'
      return [{ pointer: `/${index}/type`, message }]
    }
    if ((type === 'cgroup' || type === 'cgroup2') && !join.includes('cgroup')) {
      return [{ pointer: `/${index}/type`, message: 'the container has no cgroup namespace of its own' }]
    }
    return []
  })
}

function removalProblems(mounts: readonly Mount[]): Problem[] {
  const seen = new Set<string>()
  return mounts.flatMap(({ destination }, index): Problem[] => {
    const pointer = `/${index}/destination`
    const path = cleanPath(`/${destination}`)
    const again = seen.has(path)
    seen.add(path)
    if (path === '/') return [{ pointer, message: 'the root of a container cannot be removed' }]
    return again ? [{ pointer, message: `"${path}" is in the list already` }] : []
  })
}
