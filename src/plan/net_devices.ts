/** Network interfaces that go into the container; the parent moves them (config-linux.md#network-devices). */
import { pointer } from '../base/pointer.ts'
import type { PlanContext } from './context.ts'
import type { ChildStep, HostStep } from './step.ts'

function devices({ spec }: PlanContext): [device: string, name: string][] {
  return Object.entries(spec.linux?.netDevices ?? {}).map(([device, { name = '' }]) => [device, name])
}

/** Init waits, so that kernel parameters and hooks find the interfaces. */
export function planNetDevices(ctx: PlanContext): ChildStep[] {
  if (devices(ctx).length === 0) return []
  return [{ kind: 'sync', tag: 'netDevices', wait: true, origin: { doing: 'wait for the network devices' } }]
}

/**
 * SAFETY: from here on programs of the image may run, which could put another interface in the place of one: none comes
 * back any more, as none does from a container that was created and then deleted.
 */
export function leaveNetDeviceSteps(ctx: PlanContext): HostStep[] {
  return devices(ctx).length === 0 ? [] : [{ kind: 'leaveNetDevices' }]
}

/** The parent's side: it alone is in the network namespace that they are in. */
export function netDeviceHostSteps(ctx: PlanContext): HostStep[] {
  const moves = devices(ctx).map(([device, name]): HostStep => {
    const as = name === '' ? '' : ` as "${name}"`
    const origin = { config: pointer('linux', 'netDevices', device), doing: `move network device "${device}"${as}` }
    return { kind: 'netDevice', device, name, origin }
  })
  if (moves.length === 0) return []
  return [{ kind: 'await', tag: 'netDevices' }, ...moves, { kind: 'answer', tag: 'netDevices' }]
}
