/** fsconfig(2) as single calls, for what the step fsmount does not do. */
import { FSCONFIG_SET_FLAG, FSCONFIG_SET_STRING } from '../kernel/mount.ts'
import type { ChildStep, Origin, Slot } from './step.ts'

/** Sets options, "key=value" or "flag", in the context of slot `fs`. */
export function configureSteps(fs: Slot, options: readonly string[], origin: Origin): ChildStep[] {
  return options.map((text) => {
    const cut = text.indexOf('=')
    const parts =
      cut < 0 ? [FSCONFIG_SET_FLAG, text, 0] : [FSCONFIG_SET_STRING, text.slice(0, cut), text.slice(cut + 1)]
    return { kind: 'call', name: 'fsconfig', args: [{ slot: fs }, ...parts, 0], origin }
  })
}
