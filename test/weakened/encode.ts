/** In place of src/wire/encode.ts in the tests' own build: the plan loses the guard that the environment names. */
import { encodePlan as encode } from '../../src/wire/encode.ts'
import { type Guard, weaken } from './guards.ts'

export const encodePlan: typeof encode = (plan, fds, arch) =>
  encode(weaken(plan, (process.env.DAVIT_WEAKENED ?? 'nothing') as Guard), fds, arch)
