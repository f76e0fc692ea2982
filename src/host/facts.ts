/** Gathers what the planners of a container need to know of the machine. */
import { bitsOfHex, hasCapability } from '../kernel/capability_bits.ts'
import type { Facts } from '../plan/facts.ts'
import { gatherCgroupFacts } from './cgroup/facts.ts'
import { gatherProcessFacts } from './process_facts.ts'
import { ownsMountNamespace } from './userns.ts'

/** One look at the machine; nothing here is written or kept open. */
export function gatherFacts(): Facts {
  const facts = gatherProcessFacts()
  const privileged = hasCapability(bitsOfHex(facts.effectiveCaps), 'CAP_SYS_ADMIN')
  return {
    ...facts,
    mayMount: privileged && (facts.initialUserns || ownsMountNamespace()),
    cgroup: gatherCgroupFacts(),
  }
}
