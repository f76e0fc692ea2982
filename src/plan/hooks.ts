/** Hooks: those of the runtime's namespaces run in the parent, those of the container's in init. */
import { ANNOTATION, annotation } from '../spec/annotations.ts'
import type { Hook } from '../spec/types.gen.ts'
import { type PlanContext, SLOT } from './context.ts'
import type { ChildStep, HookCall, HostStep, Preset, Slot } from './step.ts'

/** A hook with its defaults: argv[0] is the path, no environment, no limit in time. */
export function hookCall(hook: Hook): HookCall {
  const { path, args, env = [], timeout } = hook
  return { path, args: args?.length ? args : [path], env, timeout: timeout ? timeout * 1000 : 0 }
}

type Kind = 'prestart' | 'createRuntime' | 'createContainer' | 'startContainer' | 'poststart' | 'poststop'

/** The hooks of a kind with their pointers. */
export function hooksOf(
  ctx: Pick<PlanContext, 'spec'>,
  kind: Kind,
): { readonly call: HookCall; readonly config: string; readonly doing: string }[] {
  return (ctx.spec.hooks?.[kind] ?? []).map((hook, index) => ({
    call: hookCall(hook),
    config: `/hooks/${kind}/${index}`,
    doing: `run ${kind} hook #${index} "${hook.path}"`,
  }))
}

/** Whether init has to stop for the parent: to let it run hooks, or to put the pid into what hooks of init read. */
export function hasCreateHooks(ctx: PlanContext): boolean {
  return (['prestart', 'createRuntime', 'createContainer'] as const).some((kind) => hooksOf(ctx, kind).length > 0)
}

type Stream = 'stdout' | 'stderr'

/** Where hooks in init print to: the files that annotations name, else one in memory. Both kinds of hook share it. */
function outputSlot(ctx: PlanContext, stream: Stream): Slot {
  const named = annotation(ctx.spec, stream === 'stdout' ? ANNOTATION.hooksStdout : ANNOTATION.hooksStderr)
  const isIt = (preset: Preset) =>
    named ? preset.kind === 'hookFile' && preset.stream === stream : preset.kind === 'hookOutput'
  const known = ctx.presets.find(isIt)
  if (known) return known.slot
  const slot = ctx.slot()
  ctx.presets.push(named ? { kind: 'hookFile', slot, stream } : { kind: 'hookOutput', slot })
  return slot
}

/** Whoever starts the container gets what its startContainer hooks print. */
export function planHookOutput(ctx: PlanContext): ChildStep[] {
  if (hooksOf(ctx, 'startContainer').length === 0) return []
  for (const stream of ['stdout', 'stderr'] as const) outputSlot(ctx, stream)
  const slot = ctx.presets.find(({ kind }) => kind === 'hookOutput')?.slot
  const origin = { doing: 'hand over the output of hooks' }
  return slot === undefined ? [] : [{ kind: 'sendFd', tag: 'hookOutput', slot, origin }]
}

/** The parent's side of startContainer hooks, where it stays until they have run. */
export function lateHookSteps(ctx: PlanContext): HostStep[] {
  return hooksOf(ctx, 'startContainer').length > 0 ? [{ kind: 'hear', tag: 'hooked' }] : []
}

/** SPEC: config.md#createcontainer-hooks, #startcontainer-hooks: in the container's namespace, state on stdin. */
export function planContainerHooks(ctx: PlanContext, kind: 'createContainer' | 'startContainer'): ChildStep[] {
  const hooks = hooksOf(ctx, kind)
  if (hooks.length === 0) return []
  const status = kind === 'createContainer' ? 'creating' : 'created'
  const [output, errors] = [outputSlot(ctx, 'stdout'), outputSlot(ctx, 'stderr')]
  const steps = hooks.flatMap(({ call, config, doing }): ChildStep[] => {
    const stdin = ctx.slot()
    ctx.presets.push({ kind: 'hookState', slot: stdin, status })
    // SPEC: startContainer hooks run as the process would: without an env of their own they have its.
    const env = kind === 'startContainer' && call.env.length === 0 ? (ctx.spec.process?.env ?? []) : call.env
    return [
      {
        kind: 'hook',
        path: call.path,
        args: call.args,
        env,
        stdin,
        output,
        errors,
        timeout: call.timeout,
        origin: { config, doing },
      },
      { kind: 'close', slot: stdin },
    ]
  })
  // As runc has it: createContainer hooks begin in the rootfs, startContainer hooks where the process will.
  const enter: ChildStep[] =
    kind === 'createContainer'
      ? [
          {
            kind: 'call',
            name: 'fchdir',
            args: [{ slot: SLOT.root }],
            tolerate: ['EACCES', 'EPERM'],
            skip: 0,
            origin: { doing: 'go to the rootfs for hooks' },
          },
        ]
      : []
  // Nothing is said when exec happens, nor when init is killed: who waits for exec has to know that hooks are over.
  const origin = { doing: 'report that the hooks have run' }
  return kind === 'startContainer'
    ? [...steps, { kind: 'sync', tag: 'hooked', wait: false, origin }]
    : [...enter, ...steps]
}

/** prestart, then createRuntime, both in the parent while init waits. */
export function runtimeHookSteps(ctx: PlanContext): HostStep[] {
  if (!hasCreateHooks(ctx)) return []
  const hooks = [...hooksOf(ctx, 'prestart'), ...hooksOf(ctx, 'createRuntime')]
  return [
    { kind: 'await', tag: 'hooks' },
    ...hooks.map(
      ({ call, config, doing }): HostStep => ({
        kind: 'hook',
        hook: call,
        status: 'creating',
        origin: { config, doing },
      }),
    ),
    { kind: 'answer', tag: 'hooks' },
  ]
}
