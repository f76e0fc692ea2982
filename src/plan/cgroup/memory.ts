/** linux.resources.memory. Zero and absent both mean "leave alone": engines send zeros on update. */

import type { Integer } from '../../spec/numbers.ts'
import type { MemoryResources } from '../../spec/types.gen.ts'
import { limitV2, swapProblem, swapToV2 } from './convert.ts'
import { refused, requirePlace, write } from './draft.ts'
import type { Draft, Place } from './model.ts'

const SWAPPINESS_UNSET = 2 ** 63 // -1 as uint64, which Docker sends for "not set"

/** Plans the memory controller, v1 (cgroup-v1/memory.rst) or v2 (cgroup-v2.rst "Memory"). */
export function planMemory(draft: Draft, memory: MemoryResources): void {
  const swappiness = swappinessOf(draft, memory)
  const asked = memory.limit || memory.swap || memory.reservation || memory.disableOOMKiller || swappiness !== undefined
  const place = asked ? requirePlace(draft, 'memory', ['memory']) : draft.place('memory')
  if (place === undefined) return
  const problem = swapProblem(memory.swap ?? 0, memory.limit ?? 0)
  if (problem !== undefined) throw refused(draft, 'config-invalid', ['memory', 'swap'], problem)
  if (place.version === 2) planV2(draft, place, memory, swappiness)
  else planV1(draft, place, memory, swappiness)
}

function swappinessOf(draft: Draft, memory: MemoryResources): Integer | undefined {
  const value = memory.swappiness
  if (value === undefined || value < 0 || value >= SWAPPINESS_UNSET) return undefined
  if (value <= 100) return value
  const message = `invalid memory swappiness ${value}, the valid range is 0-100`
  throw refused(draft, 'config-invalid', ['memory', 'swappiness'], message)
}

function planV1(draft: Draft, place: Place, memory: MemoryResources, swappiness: Integer | undefined): void {
  const { limit = 0, swap = 0, reservation = 0 } = memory
  if (limit !== 0) {
    // KERNEL: limit <= memsw always holds, else EINVAL; when both rise, memsw has to be first.
    const postpone = swap !== 0 || limit === -1 ? { postpone: ['EINVAL'] } : {}
    draft.steps.push(write(draft, place, 'memory.limit_in_bytes', String(limit), ['memory', 'limit'], postpone))
  }
  // Memory made unlimited and swap not mentioned: both, where swap is accounted at all.
  const memsw = swap === 0 && limit === -1 ? -1 : swap
  if (memsw !== 0) {
    const tolerate = memsw < 0 ? { tolerate: ['ENOENT'] } : {}
    const asked = swap === 0 ? 'limit' : 'swap'
    draft.steps.push(write(draft, place, 'memory.memsw.limit_in_bytes', String(memsw), ['memory', asked], tolerate))
  }
  if (reservation !== 0) {
    draft.steps.push(write(draft, place, 'memory.soft_limit_in_bytes', String(reservation), ['memory', 'reservation']))
  }
  if (memory.disableOOMKiller !== undefined) {
    // false is written too: a new cgroup inherits the setting of its parent.
    const value = memory.disableOOMKiller ? '1' : '0'
    draft.steps.push(write(draft, place, 'memory.oom_control', value, ['memory', 'disableOOMKiller']))
  }
  if (swappiness !== undefined) {
    draft.steps.push(write(draft, place, 'memory.swappiness', String(swappiness), ['memory', 'swappiness']))
  }
}

function planV2(draft: Draft, place: Place, memory: MemoryResources, swappiness: Integer | undefined): void {
  const { limit = 0, swap = 0, reservation = 0 } = memory
  // SPEC: what cannot be converted to v2 MUST be an error.
  if (swappiness !== undefined) {
    throw refused(draft, 'unsupported', ['memory', 'swappiness'], 'cgroup v2 has no memory swappiness')
  }
  if (memory.disableOOMKiller) {
    const message = 'the OOM killer cannot be disabled with cgroup v2'
    throw refused(draft, 'unsupported', ['memory', 'disableOOMKiller'], message)
  }
  if (memory.checkBeforeUpdate) planUsageCheck(draft, place, limit, swap)
  const swapMax = swapToV2(swap, limit)
  if (swapMax !== undefined) {
    // No such file where swap is not accounted: then there is nothing to lift or forbid, but a limit cannot be kept.
    const tolerate = swapMax === 'max' || swapMax === '0' ? { tolerate: ['ENOENT'] } : {}
    const asked = swap === 0 ? 'limit' : 'swap'
    draft.steps.push(write(draft, place, 'memory.swap.max', swapMax, ['memory', asked], tolerate))
  }
  if (limit !== 0) draft.steps.push(write(draft, place, 'memory.max', limitV2(limit), ['memory', 'limit']))
  if (reservation !== 0) {
    draft.steps.push(write(draft, place, 'memory.low', limitV2(reservation), ['memory', 'reservation']))
  }
}

/** SPEC: checkBeforeUpdate mimics v1, where the kernel itself refuses a limit below the usage instead of killing. */
function planUsageCheck(draft: Draft, place: Place, limit: Integer, swap: Integer): void {
  const path = `${place.dir}/memory.current`
  const config = `${draft.at}/memory`
  if (swap > 0)
    draft.steps.push({ kind: 'check', path, limit: String(swap), what: 'memory+swap limit', config: `${config}/swap` })
  if (limit > 0)
    draft.steps.push({ kind: 'check', path, limit: String(limit), what: 'memory limit', config: `${config}/limit` })
}
