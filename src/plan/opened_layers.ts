/** An overlay with names of layers that are too long to be told: it is given the directories themselves, opened. */
import { O_DIRECTORY, O_RDONLY } from '../kernel/files.ts'
import { FSCONFIG_CMD_CREATE, FSCONFIG_SET_FD, FSMOUNT_CLOEXEC, FSOPEN_CLOEXEC } from '../kernel/mount.ts'
import { configureSteps } from './fsconfig.ts'
import { layerOf } from './long_options.ts'
import type { MountContext } from './mount_model.ts'
import type { CallArg, ChildStep } from './step.ts'

type Fsmount = Extract<ChildStep, { kind: 'fsmount' }>

/** The step itself, or what it is made of where a layer has to be opened. KERNEL(6.13). */
export function openedLayers(ctx: Pick<MountContext, 'scratch'>, step: Fsmount): ChildStep[] {
  const { type, source, options, attributes, out } = step
  if (!options.some((option) => layerOf(type, option))) return [step]
  const { origin = {} } = step
  const [fs, layer] = [ctx.scratch(2), ctx.scratch(3)]
  const set = (command: number, key: CallArg, aux: CallArg = 0): ChildStep => {
    return { kind: 'call', name: 'fsconfig', args: [{ slot: fs }, command, key, 0, aux], origin }
  }
  const option = (text: string): ChildStep[] => {
    const long = layerOf(type, text)
    if (!long) return configureSteps(fs, [text], origin)
    return [
      { kind: 'open', out: layer, dir: 'cwd', path: long.path, flags: O_RDONLY | O_DIRECTORY, origin },
      set(FSCONFIG_SET_FD, long.key, { slot: layer }),
      { kind: 'close', slot: layer },
    ]
  }
  return [
    { kind: 'call', name: 'fsopen', args: [type, FSOPEN_CLOEXEC], out: fs, origin },
    ...(source === undefined ? [] : configureSteps(fs, [`source=${source}`], origin)),
    ...options.flatMap(option),
    set(FSCONFIG_CMD_CREATE, 0),
    { kind: 'call', name: 'fsmount', args: [{ slot: fs }, FSMOUNT_CLOEXEC, attributes], out, origin },
    { kind: 'close', slot: fs },
  ]
}
