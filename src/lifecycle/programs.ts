/** The programs of a plan that was made just now. */
import type { Plan } from '../plan/step.ts'
import { encodePlan } from '../wire/encode.ts'
import type { Programs } from './launching.ts'

/** Apart, so that a process whose programs are encoded already loads no encoder. */
export function programsOf(plan: Plan, arch: 'x64' | 'arm64'): Programs {
  return { arch, encode: (fds) => encodePlan(plan, fds, arch) }
}
