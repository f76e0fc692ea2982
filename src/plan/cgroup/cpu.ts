/** linux.resources.cpu: the cpu and cpuset controllers. Zero means "leave alone", except for burst and idle. */

import type { Integer } from '../../spec/numbers.ts'
import type { CpuResources } from '../../spec/types.gen.ts'
import { sharesToWeight } from './convert.ts'
import { refused, requirePlace, type WriteOptions, write } from './draft.ts'
import type { Draft, Place } from './model.ts'

/** The kernel's default period (cgroup-v2.rst "cpu.max"). */
const DEFAULT_PERIOD = 100000

/** KERNEL: what is outside of these shares of v1 is silently brought into them (kernel/sched/sched.h). */
const SHARES = { minimum: 2, maximum: 262144 } as const

/** Plans the cpu controller, v1 (scheduler/sched-bwc.rst) or v2 (cgroup-v2.rst "CPU"). */
export function planCpu(draft: Draft, cpu: CpuResources): void {
  const { shares = 0, quota = 0, burst, period = 0, realtimeRuntime = 0, realtimePeriod = 0, idle } = cpu
  const asked = shares || quota || period || realtimeRuntime || realtimePeriod
  if (!asked && burst === undefined && idle === undefined) return
  if (burst !== undefined && quota > 0 && burst > quota) {
    throw refused(draft, 'config-invalid', ['cpu', 'burst'], `burst ${burst} is larger than quota ${quota}`)
  }
  const place = requirePlace(draft, 'cpu', ['cpu'])
  if (place.version === 2) planV2(draft, place, cpu)
  else planV1(draft, place, cpu)
}

/** KERNEL(5.14) cpu.max.burst, KERNEL(5.15) cpu.idle: older kernels behave as 0 anyway. */
function unlessZero(value: Integer): WriteOptions {
  return value === 0 ? { tolerate: ['ENOENT'] } : {}
}

function planV1(draft: Draft, place: Place, cpu: CpuResources): void {
  const { shares = 0, quota = 0, burst, period = 0, realtimeRuntime = 0, realtimePeriod = 0, idle } = cpu
  const put = (file: string, value: string, key: string, options: WriteOptions = {}) =>
    draft.steps.push(write(draft, place, file, value, ['cpu', key], options))
  const after = (other: boolean): WriteOptions => (other ? { postpone: ['EINVAL'] } : {})
  checkShares(draft, shares)
  // KERNEL: runtime <= period, so either can be refused with EINVAL before the other is changed.
  if (realtimePeriod !== 0)
    put('cpu.rt_period_us', String(realtimePeriod), 'realtimePeriod', after(realtimeRuntime !== 0))
  if (realtimeRuntime !== 0) put('cpu.rt_runtime_us', String(realtimeRuntime), 'realtimeRuntime')
  if (idle !== undefined) put('cpu.idle', String(idle), 'idle', unlessZero(idle))
  // KERNEL: the shares of an idle group cannot be set (EINVAL); idle wins, as its weight is the lowest anyway.
  if (shares !== 0 && idle !== 1) put('cpu.shares', String(shares), 'shares')
  // KERNEL: quota/period of a child may not exceed the parent's, and burst may not exceed the quota.
  if (burst !== undefined) {
    put('cpu.cfs_burst_us', String(burst), 'burst', {
      ...after(quota !== 0 || period !== 0),
      ...unlessZero(burst),
    })
  }
  if (period !== 0) put('cpu.cfs_period_us', String(period), 'period', after(quota !== 0))
  if (quota !== 0) put('cpu.cfs_quota_us', quota < 0 ? '-1' : String(quota), 'quota')
}

/** In runc's words. */
function checkShares(draft: Draft, shares: Integer): void {
  const refuse = (message: string) => refused(draft, 'config-invalid', ['cpu', 'shares'], message)
  if (shares > SHARES.maximum) throw refuse(`the maximum allowed cpu-shares is ${SHARES.maximum}`)
  if (shares !== 0 && shares < SHARES.minimum) throw refuse(`the minimum allowed cpu-shares is ${SHARES.minimum}`)
}

function planV2(draft: Draft, place: Place, cpu: CpuResources): void {
  const { shares = 0, quota = 0, burst, period = 0, realtimeRuntime = 0, realtimePeriod = 0, idle } = cpu
  if (realtimeRuntime !== 0 || realtimePeriod !== 0) {
    const key = realtimeRuntime !== 0 ? 'realtimeRuntime' : 'realtimePeriod'
    throw refused(draft, 'unsupported', ['cpu', key], 'cgroup v2 has no realtime limits')
  }
  if (idle !== undefined)
    draft.steps.push(write(draft, place, 'cpu.idle', String(idle), ['cpu', 'idle'], unlessZero(idle)))
  // KERNEL: the weight of an idle group cannot be set (EINVAL).
  if (shares !== 0 && idle !== 1) {
    draft.steps.push(write(draft, place, 'cpu.weight', String(sharesToWeight(shares)), ['cpu', 'shares']))
  }
  const max = quota !== 0 || period !== 0
  if (burst !== undefined) {
    const options = { ...(max ? { postpone: ['EINVAL'] } : {}), ...unlessZero(burst) }
    draft.steps.push(write(draft, place, 'cpu.max.burst', String(burst), ['cpu', 'burst'], options))
  }
  if (max) {
    const value = `${quota > 0 ? quota : 'max'} ${period || DEFAULT_PERIOD}`
    draft.steps.push(write(draft, place, 'cpu.max', value, ['cpu', quota !== 0 ? 'quota' : 'period']))
  }
}

/** Plans the cpus and mems of the cpuset controller, v1 (cgroup-v1/cpusets.rst) or v2 (cgroup-v2.rst "Cpuset"). */
export function planCpuset(draft: Draft, cpu: CpuResources): void {
  for (const key of ['cpus', 'mems'] as const) {
    const value = cpu[key]
    if (value === undefined || value === '') continue
    const place = requirePlace(draft, 'cpuset', ['cpu', key])
    // KERNEL: a v1 cpuset mounted noprefix has files without "cpuset.".
    const noprefix = place.version === 1 ? { ifAbsent: { path: `${place.dir}/${key}`, value } } : {}
    draft.steps.push(write(draft, place, `cpuset.${key}`, value, ['cpu', key], noprefix))
  }
}
