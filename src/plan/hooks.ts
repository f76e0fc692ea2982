/** Hooks: those of the runtime's namespaces run in the parent, those of the container's in init. */
import type { Hook } from '../spec/types.gen.ts'
import type { PlanContext } from './context.ts'
import type { ChildStep, HookCall, HostStep } from './step.ts'

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

/** SPEC: config.md#createcontainer-hooks, #startcontainer-hooks: in the container's namespace, state on stdin. */
export function planContainerHooks(ctx: PlanContext, kind: 'createContainer' | 'startContainer'): ChildStep[] {
  const hooks = hooksOf(ctx, kind)
  if (hooks.length === 0) return []
  const status = kind === 'createContainer' ? 'creating' : 'created'
  const output = ctx.slot()
  ctx.presets.push({ kind: 'hookOutput', slot: output })
  return hooks.flatMap(({ call, config, doing }): ChildStep[] => {
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
        timeout: call.timeout,
        origin: { config, doing },
      },
      { kind: 'close', slot: stdin },
    ]
  })
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
