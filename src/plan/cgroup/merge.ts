/** What an update asks for and what was in force before, put together. Pure. */
import type { Integer } from '../../spec/numbers.ts'
import type { BlockIoResources, CpuResources, MemoryResources, Resources } from '../../spec/types.gen.ts'

/** Values that mean "leave alone" when they are 0 or empty. Engines send all of them, the ones they care for set. */
const MEMORY_ZEROS = ['limit', 'reservation', 'swap', 'kernel', 'kernelTCP'] as const
const CPU_ZEROS = ['shares', 'quota', 'period', 'realtimeRuntime', 'realtimePeriod', 'cpus', 'mems'] as const
const BLOCK_IO_ZEROS = ['weight', 'leafWeight'] as const

/** The object without those of the members that are 0 or ''; undefined when it was. */
function without<T extends object, K extends keyof T>(object: T | undefined, keys: readonly K[]): T | undefined {
  if (object === undefined) return undefined
  const kept = Object.entries(object).filter(([key, value]) => value || !keys.includes(key as K))
  return Object.fromEntries(kept) as T
}

/**
 * The request without the zeros, empty texts and empty device lists that ask for nothing. Burst, idle, swappiness and pids keep theirs: 0 is a value.
 * Memory without a limit takes swap along unless it is mentioned, as with runc.
 */
export function meant(request: Resources): Resources {
  const memory: MemoryResources | undefined = without(request.memory, MEMORY_ZEROS)
  const cpu: CpuResources | undefined = without(request.cpu, CPU_ZEROS)
  const blockIO: BlockIoResources | undefined = without(request.blockIO, BLOCK_IO_ZEROS)
  const { devices, ...rest } = request
  return {
    ...rest,
    ...(devices && devices.length > 0 ? { devices } : {}),
    ...(memory ? { memory: memory.limit === -1 && !memory.swap ? { ...memory, swap: -1 } : memory } : {}),
    ...(cpu ? { cpu } : {}),
    ...(blockIO ? { blockIO } : {}),
  }
}

/** What is in force after the request (without zeros) has been carried out on what was in force before. */
export function mergeResources(before: Resources, request: Resources): Resources {
  return {
    ...before,
    ...request,
    ...both('memory', before, request),
    ...both('cpu', before, request),
    ...both('pids', before, request),
    ...both('rdma', before, request),
    ...both('unified', before, request),
    ...blockIo(before.blockIO, request.blockIO),
    ...lists('hugepageLimits', before, request, ({ pageSize }) => pageSize),
    ...(before.network && request.network
      ? {
          network: {
            ...before.network,
            ...request.network,
            ...lists('priorities', before.network, request.network, ({ name }) => name),
          },
        }
      : {}),
  }
}

/** One member, an object, of both. */
function both<K extends 'memory' | 'cpu' | 'pids' | 'rdma' | 'unified'>(key: K, before: Resources, after: Resources) {
  return before[key] && after[key] ? { [key]: { ...before[key], ...after[key] } } : {}
}

/** One member, a list, of both: the later entry about a thing replaces the earlier one. */
function lists<T extends object, K extends keyof T>(
  key: K,
  before: T,
  after: T,
  about: (entry: NonNullable<T[K]> extends readonly (infer E)[] ? E : never) => string,
) {
  type Entry = Parameters<typeof about>[0]
  const all = [...((before[key] ?? []) as readonly Entry[]), ...((after[key] ?? []) as readonly Entry[])]
  if (all.length === 0) return {}
  return { [key]: [...new Map(all.map((entry) => [about(entry), entry])).values()] }
}

function blockIo(before: BlockIoResources | undefined, after: BlockIoResources | undefined) {
  if (!before || !after) return {}
  const device = ({ major, minor }: { readonly major: Integer; readonly minor: Integer }) => `${major}:${minor}`
  return {
    blockIO: {
      ...before,
      ...after,
      ...lists('weightDevice', before, after, device),
      ...lists('throttleReadBpsDevice', before, after, device),
      ...lists('throttleWriteBpsDevice', before, after, device),
      ...lists('throttleReadIOPSDevice', before, after, device),
      ...lists('throttleWriteIOPSDevice', before, after, device),
    },
  }
}

/** Values of the cpu controller that constrain each other: one is never planned without the others in force. */
const CPU_GROUPS = [
  ['quota', 'period', 'burst'],
  ['shares', 'idle'],
  ['realtimeRuntime', 'realtimePeriod'],
] as const

/** The part of `merged` that has to be written for the request: what it names, and what that depends on. */
export function touched(request: Resources, merged: Resources): Resources {
  const { memory, cpu } = request
  const limits = memory?.limit !== undefined || memory?.swap !== undefined ? ['limit', 'swap'] : []
  const groups = CPU_GROUPS.filter((group) => group.some((key) => cpu?.[key] !== undefined)).flat()
  return {
    ...request,
    ...(memory ? { memory: { ...memory, ...pick(merged.memory, limits) } } : {}),
    ...(cpu ? { cpu: { ...cpu, ...pick(merged.cpu, groups) } } : {}),
  }
}

function pick(object: object | undefined, keys: readonly string[]): object {
  return Object.fromEntries(Object.entries(object ?? {}).filter(([key]) => keys.includes(key)))
}
