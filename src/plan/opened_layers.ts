/** An overlay with names of layers that are too long to be told: it is given the directories themselves, opened. */
import { O_DIRECTORY, O_RDONLY } from '../kernel/files.ts'
import {
  FSCONFIG_CMD_CREATE,
  FSCONFIG_SET_FD,
  FSCONFIG_SET_FLAG,
  FSCONFIG_SET_STRING,
  FSMOUNT_CLOEXEC,
  FSOPEN_CLOEXEC,
} from '../kernel/mount.ts'
import { layerOf } from './long_options.ts'
import type { MountContext } from './mount_model.ts'
import type { CallArg, ChildStep } from './step.ts'

type Fsmount = Extract<ChildStep, { kind: 'fsmount' }>

/** The step itself, or what it is made of where a layer has to be opened. KERNEL(6.13). */
export function openedLayers(ctx: Pick<MountContext, 'scratch'>, step: Fsmount): ChildStep[] {
  const { type, source, options, attributes, out } = step
  if (!options.some((option) => layerOf(type, option))) return [step]
  const origin = step.origin ? { origin: step.origin } : {}
  const [fs, layer] = [ctx.scratch(2), ctx.scratch(3)]
  const set = (command: number, key: CallArg, value: CallArg, aux: CallArg = 0): ChildStep => {
    return { kind: 'call', name: 'fsconfig', args: [{ slot: fs }, command, key, value, aux], ...origin }
  }
  const option = (text: string): ChildStep[] => {
    const long = layerOf(type, text)
    if (long) {
      return [
        { kind: 'open', out: layer, dir: 'cwd', path: long.path, flags: O_RDONLY | O_DIRECTORY, ...origin },
        set(FSCONFIG_SET_FD, long.key, 0, { slot: layer }),
        { kind: 'close', slot: layer },
      ]
    }
    const cut = text.indexOf('=')
    if (cut < 0) return [set(FSCONFIG_SET_FLAG, text, 0)]
    return [set(FSCONFIG_SET_STRING, text.slice(0, cut), text.slice(cut + 1))]
  }
  return [
    { kind: 'call', name: 'fsopen', args: [type, FSOPEN_CLOEXEC], out: fs, ...origin },
    ...(source === undefined ? [] : [set(FSCONFIG_SET_STRING, 'source', source)]),
    ...options.flatMap(option),
    set(FSCONFIG_CMD_CREATE, 0, 0),
    { kind: 'call', name: 'fsmount', args: [{ slot: fs }, FSMOUNT_CLOEXEC, attributes], out, ...origin },
    { kind: 'close', slot: fs },
  ]
}
