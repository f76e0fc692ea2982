/** Gathers what the planners of a container need to know of the machine. */
import { bitsOfHex, hasCapability } from '../kernel/capability_bits.ts'
import type { Facts } from '../plan/facts.ts'
import type { Spec } from '../spec/types.gen.ts'
import { gatherCgroupFacts } from './cgroup/facts.ts'
import { gatherProcessFacts } from './process_facts.ts'
import { resctrlMount } from './resctrl.ts'
import { ownsMountNamespace } from './userns.ts'

/** One look at the machine, at some parts only if `spec` needs them; nothing is changed or kept open. */
export function gatherFacts(spec?: Spec): Facts {
  const facts = gatherProcessFacts(spec?.process, spec?.linux?.mountLabel)
  const resctrl = spec?.linux?.intelRdt ? resctrlMount() : undefined
  const privileged = hasCapability(bitsOfHex(facts.effectiveCaps), 'CAP_SYS_ADMIN')
  return {
    ...facts,
    mayMount: privileged && (facts.initialUserns || ownsMountNamespace()),
    cgroup: gatherCgroupFacts(),
    ...(resctrl === undefined ? {} : { resctrl }),
  }
}
