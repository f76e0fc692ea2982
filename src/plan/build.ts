/**
 * THE order in which a container is created. Every phase is a planner, a pure function to steps; this file is the one
 * place where they are put in line, and where the reasons for their order stand. docs/ARCHITECTURE.md lists the same
 * phases; a test holds the two together.
 */

import { planConsole } from './console.ts'
import { namespace, type PlanContext, planContext, SLOT } from './context.ts'
import { planDevices } from './devices.ts'
import { hasCreateHooks, lateHookSteps, planContainerHooks, planHookOutput, runtimeHookSteps } from './hooks.ts'
import { joinRdtSteps, makeRdtSteps } from './intel_rdt.ts'
import { devIsBound, planMounts } from './mounts.ts'
import { planNamespaces } from './namespaces.ts'
import { leaveNetDeviceSteps, netDeviceHostSteps, planNetDevices } from './net_devices.ts'
import { pidFileStep } from './pid_file.ts'
import { planEnterCgroups, planMakeCwd, planOwnGroup, planProtection, planSession, planUmask } from './process.ts'
import { type Phase, processPhases } from './process_phases.ts'
import { planProtectedPaths } from './protected_paths.ts'
import { dieWithParent } from './protection.ts'
import {
  planAttachRoot,
  planChangeRoot,
  planOpenRoot,
  planPrivateProc,
  planPropagation,
  planRootAttributes,
} from './rootfs.ts'
import { listenerSteps, planFilterForHooks, refuseSeccomp } from './seccomp/filter.ts'
import type { ChildStep, HostStep, Plan } from './step.ts'
import { planLoopback, planNames, planSysctl } from './system.ts'
import { refuseUnsupported } from './unsupported.ts'
import { idMapHostSteps, mapsNeedDumpable } from './user_namespace.ts'

/** The phases of the container's first process, in order. */
export function initPhases(ctx: PlanContext, first: readonly ChildStep[], namespaces: readonly ChildStep[]): Phase[] {
  const { spec } = ctx
  const ownMounts = namespace(spec, 'mount') !== undefined
  const mounts = ownMounts ? planMounts(ctx) : { steps: [], late: [] }
  return [
    // ORDER: protection before anything of a container can be near; cgroups before anything is allocated.
    { name: 'protection', steps: first },
    { name: 'namespaces', steps: namespaces },
    { name: 'session', steps: planSession(ctx) },
    { name: 'loopback', steps: planLoopback(ctx) },
    // ORDER: before the kernel parameters, some of which are an interface's; before the hooks, which may look at them.
    { name: 'network devices', steps: planNetDevices(ctx) },
    // ORDER: the private procfs is taken while the host's mounts are all there is, and after the pid namespace.
    { name: 'propagation', steps: ownMounts ? planPropagation(ctx) : [] },
    { name: 'private procfs', steps: planPrivateProc() },
    { name: 'rootfs', steps: ownMounts ? planAttachRoot(ctx) : planOpenRoot(ctx) },
    { name: 'mounts', steps: mounts.steps },
    { name: 'devices', steps: ownMounts ? planDevices(ctx) : [] },
    { name: 'console', steps: planConsole(ctx, ownMounts && !devIsBound(ctx)) },
    { name: 'working directory', steps: planMakeCwd(ctx) },
    // ORDER: hooks see all mounts, and can still write to a rootfs that is to be read-only.
    {
      name: 'runtime hooks',
      steps: hasCreateHooks(ctx)
        ? [{ kind: 'sync', tag: 'hooks', wait: true, origin: { doing: 'wait for hooks' } }]
        : [],
    },
    { name: 'createContainer hooks', steps: planContainerHooks(ctx, 'createContainer') },
    // ORDER: kernel parameters before /proc/sys is made read-only; both while the host's /dev/null is still mounted.
    { name: 'kernel parameters', steps: planSysctl(ctx) },
    { name: 'protected paths', steps: ownMounts ? planProtectedPaths(ctx) : [] },
    { name: 'late read-only', steps: mounts.late },
    { name: 'change of root', steps: planChangeRoot(ctx) },
    { name: 'root attributes', steps: ownMounts ? planRootAttributes(ctx) : [] },
    { name: 'names', steps: planNames(ctx) },
    ...processPhases(ctx, untilStart(ctx)),
  ]
}

/** What comes between a process that is ready and its exec: the wait for `start`, and hooks in the container. */
function untilStart(ctx: PlanContext): Phase[] {
  return [
    {
      name: 'created',
      // ORDER: from here on the connection tells init that its parent has died, whose threads may end for other reasons.
      steps: [
        dieWithParent(0),
        { kind: 'sync', tag: 'created', wait: true, origin: { doing: 'report that the container is created' } },
      ],
    },
    { name: 'start', steps: startSteps(ctx) },
    // ORDER: hooks are programs of the image, and the filter is there for those; as in runc.
    { name: 'seccomp filter', steps: planFilterForHooks(ctx) },
    { name: 'startContainer hooks', steps: planContainerHooks(ctx, 'startContainer') },
  ]
}

function startSteps(ctx: PlanContext): ChildStep[] {
  if (ctx.request.verb === 'run') return []
  ctx.presets.push({ kind: 'startSocket', slot: SLOT.start })
  return [
    { kind: 'waitForStart', slot: SLOT.start, origin: { doing: 'wait for start' } },
    { kind: 'close', slot: SLOT.start },
    // ORDER: before a filter, under which no fd could be sent.
    ...planHookOutput(ctx),
  ]
}

/** ORDER: init is born in its cgroup; systemd makes one only around a process, which waits for it. */
function cgroupHostSteps(ctx: PlanContext, launch: HostStep): HostStep[] {
  const { cgroup } = ctx
  const rdt = makeRdtSteps(ctx)
  if (!cgroup) return [...rdt, launch]
  const make: HostStep = { kind: 'makeCgroup', origin: { config: '/linux/cgroupsPath', doing: 'make the cgroups' } }
  if (!cgroup.unit) return [make, ...rdt, launch]
  return [...rdt, launch, { kind: 'await', tag: 'cgroup' }, make, { kind: 'answer', tag: 'cgroup' }]
}

/** What the parent does, in order. */
function parentSteps(ctx: PlanContext, launch: HostStep, staged: boolean): HostStep[] {
  const { request, spec } = ctx
  return [
    ...cgroupHostSteps(ctx, launch),
    ...idMapHostSteps(ctx),
    ...(staged ? [{ kind: 'reapStage' as const }] : []),
    // ORDER: before the hooks, which are told the pid and may look the container up.
    { kind: 'recordPid' },
    ...joinRdtSteps(ctx),
    ...netDeviceHostSteps(ctx),
    ...ctx.hostSteps,
    ...(spec.process?.terminal
      ? [{ kind: 'console' as const, origin: { config: '/process/terminal', doing: 'pass the terminal on' } }]
      : []),
    ...runtimeHookSteps(ctx),
    { kind: 'await', tag: 'created' },
    ...(ctx.cgroup?.late.length ? [{ kind: 'lateCgroup' as const }] : []),
    // ORDER: an engine acts as soon as it has the pidfd or the pid file is there; the state must then be whole.
    { kind: 'markCreated' },
    ...(request.pidfdSockets ?? []).map((path) => ({ kind: 'sendPidfd' as const, path, text: 'standard' as const })),
    ...(request.pidFile ? [pidFileStep(request.pidFile)] : []),
    ...leaveNetDeviceSteps(ctx),
    { kind: 'answer', tag: 'created' },
    // With `create` it is `start` that gets it.
    ...(request.verb === 'run' ? [...listenerSteps(ctx), ...lateHookSteps(ctx)] : []),
  ]
}

type PlanInput = Pick<PlanContext, 'spec' | 'facts' | 'request' | 'cgroup' | 'rootfs' | 'seccomp'>

/** The child programs, init's still in its named parts. */
function planPrograms(input: PlanInput) {
  refuseUnsupported(input.spec, input.facts)
  refuseSeccomp(input)
  const ctx = planContext(input)
  ctx.presets.push(
    { kind: 'socket', slot: SLOT.peer },
    { kind: 'open', slot: SLOT.hostProc, path: '/proc', flags: 0o10000000 | 0o200000 },
  )
  const umask = planUmask(0, false)
  const cgroups = planEnterCgroups(ctx)
  const namespaces = planNamespaces(ctx)
  const staged = namespaces.stage.length > 0
  // A user namespace that waits for its maps is new: nothing of a container can be near yet.
  const early = [...planProtection(ctx, mapsNeedDumpable(ctx)), ...cgroups]
  // The stage enters the cgroups for both; protection is not inherited whole (the death signal is not).
  const stage = staged ? [...early, ...namespaces.stage] : []
  const rest = staged ? planProtection(ctx).filter((step) => step.kind === 'prctl') : early
  // ORDER: the protection comes after it, as the kernel forgets some with every change of ids.
  const first = [umask, ...planOwnGroup(ctx), ...rest]
  return { ctx, namespaces, stage, phases: initPhases(ctx, first, namespaces.init) }
}

/** The phases of init with their names, for documents and tests; a plan has them in one list. */
export function planPhases(input: PlanInput): Phase[] {
  return planPrograms(input).phases
}

/** Compiles a validated configuration into a plan. Pure: throws RuntimeError 'unsupported', does nothing else. */
export function buildPlan(input: PlanInput): Plan {
  const { ctx, namespaces, stage, phases } = planPrograms(input)
  const launch: HostStep = {
    kind: 'launch',
    flags: namespaces.cloneFlags,
    names: namespaces.cloneNames,
    intoCgroup: ctx.cgroup?.into !== undefined,
    origin: { config: '/linux/namespaces', doing: 'start the container init' },
  }
  return {
    parent: parentSteps(ctx, launch, stage.length > 0),
    presets: ctx.presets,
    stage,
    init: phases.flatMap((phase) => phase.steps),
    keepFds: ctx.request.preserveFds,
    warnings: [...ctx.warnings, ...(ctx.cgroup?.warnings ?? [])],
  }
}
