/**
 * linux.resources as properties of a unit, so that systemd, which writes the cgroup files too, writes the same (runc's
 * mapping). What has no property is in the files alone; systemd leaves those of a delegated unit as they are.
 */
import { RuntimeError } from '../../base/errors.ts'
import { pointer } from '../../base/pointer.ts'
import { cpuMask as maskOf, parseCpuList } from '../../kernel/cpu_list.ts'
import type { Integer } from '../../spec/numbers.ts'
import type { Resources } from '../../spec/types.gen.ts'
import { blkioToIoWeight, sharesToWeight, swapToV2 } from './convert.ts'
import { INFINITE, list, text, type UnitProperty, type UnitValue, u64 } from './unit_value.ts'

/** KERNEL: the default of cpu.max. */
const PERIOD = 100_000n
/** systemd keeps whole percents: 10 ms of a second. */
const PERCENT = 10_000n

type Found = readonly [name: string, value: UnitValue | undefined]

/**
 * `at` is the JSON pointer of the resources object. Zero leaves alone, as everywhere.
 * @throws RuntimeError config-invalid, with the pointer of a number that has no place in a property.
 */
export function unitResources(resources: Resources, at: string): UnitProperty[] {
  return [
    ...named(memory(resources, `${at}/memory`), `${at}/memory`),
    ...named(cpu(resources, `${at}/cpu`), `${at}/cpu`),
    ...named(tasks(resources, `${at}/pids/limit`), `${at}/pids`),
    ...named(io(resources), `${at}/blockIO`),
    ...Object.entries(resources.unified ?? {}).flatMap(([file, value]) => {
      const place = at + pointer('unified', file)
      return named(unified(file, value, place), place)
    }),
  ]
}

function named(found: readonly Found[], config: string): UnitProperty[] {
  return found.flatMap(([name, value]) => (value ? [{ name, value, config, optional: true }] : []))
}

/** A number for systemd, which has 64 bits for it, the last of which means infinity. What is more would become another. */
function bounded(value: bigint, at: string): UnitValue {
  if (value < 2n ** 64n) return u64(value)
  const digits = String(value)
  const message = `${digits.length > 30 ? `a number of ${digits.length} digits` : digits} is more than 64 bits hold`
  throw new RuntimeError('config-invalid', `${at}: ${message}`, [{ pointer: at, message }])
}

/** A number, or -1 and "max" for no limit; undefined for what is not asked. */
function limit(value: Integer | string | undefined, at: string): UnitValue | undefined {
  if (value === undefined || value === 0) return undefined
  if (typeof value !== 'string') return value < 0 ? INFINITE : bounded(BigInt(value), at)
  const words = value.trim()
  if (words === 'max') return INFINITE
  return /^[0-9]+$/.test(words) ? bounded(BigInt(words), at) : undefined
}

function memory({ memory: asked }: Resources, at: string): Found[] {
  if (!asked) return []
  const swap = swapToV2(asked.swap ?? 0, asked.limit ?? 0)
  return [
    ['MemoryMax', limit(asked.limit, `${at}/limit`)],
    ['MemoryLow', limit(asked.reservation, `${at}/reservation`)],
    ['MemorySwapMax', swap === undefined ? undefined : limit(swap, `${at}/swap`)],
  ]
}

function cpu({ cpu: asked }: Resources, at: string): Found[] {
  if (!asked) return []
  const { shares = 0, quota = 0, period = 0, idle, cpus, mems } = asked
  // What systemd.resource-control(5) calls CPUWeight=idle is 0 on the bus.
  const weight = idle === 1 ? u64(0n) : shares ? u64(BigInt(sharesToWeight(shares))) : undefined
  return [
    ['CPUWeight', weight],
    ...bandwidth(BigInt(quota), BigInt(period), `${at}/quota`),
    ['AllowedCPUs', cpuMask(cpus)],
    ['AllowedMemoryNodes', cpuMask(mems)],
  ]
}

/** systemd rounds to percents, up, so that the cgroup file can have what was asked for. */
function bandwidth(quota: bigint, period: bigint, at: string): Found[] {
  if (quota === 0n && period === 0n) return []
  const every = period === 0n ? PERIOD : period
  const share = ((quota > 0n ? quota : 0n) * 1_000_000n) / every
  const rounded = ((share + PERCENT - 1n) / PERCENT) * PERCENT
  return [
    ['CPUQuotaPeriodUSec', period === 0n ? undefined : bounded(every, at)],
    ['CPUQuotaPerSecUSec', quota > 0n ? bounded(rounded, at) : INFINITE],
  ]
}

/**
 * "0-2,8": bit n of byte n / 8 is for CPU n. Undefined for what is empty or no list, or has CPUs that no kernel has: the
 * file's write will tell.
 */
export function cpuMask(cpus: string | undefined): UnitValue | undefined {
  if (!cpus || typeof parseCpuList(cpus) === 'string') return undefined
  const bytes = maskOf(cpus)
  const used = bytes.subarray(0, bytes.findLastIndex((byte) => byte !== 0) + 1)
  return list(
    'y',
    Array.from(used, (byte) => ({ type: 'y', value: BigInt(byte) })),
  )
}

/** Zero is a limit here, but not one that systemd takes. */
function tasks({ pids }: Resources, at: string): Found[] {
  return pids?.limit === undefined ? [] : [['TasksMax', limit(pids.limit === 0 ? 1 : pids.limit, at)]]
}

function io({ blockIO }: Resources): Found[] {
  return blockIO?.weight ? [['IOWeight', u64(BigInt(blkioToIoWeight(blockIO.weight)))]] : []
}

const PLAIN: Readonly<Record<string, string>> = {
  'cpu.weight': 'CPUWeight',
  'memory.min': 'MemoryMin',
  'memory.low': 'MemoryLow',
  'memory.high': 'MemoryHigh',
  'memory.max': 'MemoryMax',
  'memory.swap.max': 'MemorySwapMax',
  'pids.max': 'TasksMax',
}

/** Otherwise systemd writes memory.oom.group back to 0 whenever a property is set. Of scopes, systemd 253. */
function oomPolicy(value: string): UnitValue | undefined {
  if (value === '1') return text('kill')
  return value === '0' ? text('continue') : undefined
}

/** What systemd has a property for, of v2's own words. */
function unified(file: string, value: string, at: string): Found[] {
  const plain = PLAIN[file]
  if (plain) return [[plain, value.trim() === '0' && file !== 'pids.max' ? u64(0n) : limit(value, at)]]
  if (file === 'cpu.idle') return [['CPUWeight', value.trim() === '1' ? u64(0n) : undefined]]
  if (file === 'memory.oom.group') return [['OOMPolicy', oomPolicy(value.trim())]]
  if (file === 'cpuset.cpus') return [['AllowedCPUs', cpuMask(value)]]
  if (file === 'cpuset.mems') return [['AllowedMemoryNodes', cpuMask(value)]]
  if (file === 'io.weight') {
    const [, weight] = /^\s*(?:default\s+)?(\d+)\s*$/.exec(value) ?? []
    return [['IOWeight', weight === undefined ? undefined : bounded(BigInt(weight), at)]]
  }
  if (file !== 'cpu.max') return []
  const [, quota, period] = /^\s*(max|\d+)(?:\s+(\d+))?\s*$/.exec(value) ?? []
  if (quota === undefined) return []
  return bandwidth(quota === 'max' ? -1n : BigInt(quota), BigInt(period ?? 0), at)
}
