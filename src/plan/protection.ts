/** What keeps a process of ours from others, and from outliving the runtime. */
import { PR_SET_DUMPABLE, PR_SET_PDEATHSIG } from '../kernel/prctl.ts'
import type { ChildStep } from './step.ts'

/** Whether a process of the same user may look into ours. */
export function dumpable(on: boolean): ChildStep {
  const origin = { doing: on ? 'own our files in /proc' : 'become non-dumpable' }
  return { kind: 'prctl', name: 'PR_SET_DUMPABLE', option: PR_SET_DUMPABLE, args: [on ? 1 : 0], origin }
}

/** ORDER: given up only when the parent has recorded the pid and will not clean up any more. */
export function dieWithParent(signal: number): ChildStep {
  const doing = signal ? 'die with the runtime' : 'outlive the runtime'
  return { kind: 'prctl', name: 'PR_SET_PDEATHSIG', option: PR_SET_PDEATHSIG, args: [signal], origin: { doing } }
}
