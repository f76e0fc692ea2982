/** Conversions from the values of config.json, made for cgroup v1, to what the kernel's files take. */
import type { Integer } from '../../spec/numbers.ts'

/** A limit for a v2 `.max`, `.low` or `.high` file, where -1 of v1 is called "max". */
export function limitV2(value: Integer): string {
  return value < 0 ? 'max' : String(value)
}

/**
 * cpu.shares [2..262144] to cpu.weight [1..10000].
 * As the peers since 2025: a quadratic in log2 that maps minimum, default (1024 to 100) and maximum onto each other;
 * the linear formula gave 39 for the default (kubernetes/kubernetes#131216).
 */
export function sharesToWeight(shares: Integer): number {
  if (shares <= 2) return 1
  if (shares >= 262144) return 10000
  const log = Math.log2(Number(shares))
  const exponent = (log * log + 125 * log) / 612 - 7 / 34
  // 10 ** 2 must not become 101 for a last bit.
  return Math.ceil(10 ** exponent - 1e-9)
}

/** blkio weight [10..1000] to io.weight [1..10000], linearly, as the peers do. */
export function blkioToIoWeight(weight: number): number {
  return 1 + Math.floor(((Math.max(weight, 10) - 10) * 9999) / 990)
}

/** What is wrong with a memory+swap limit, if anything. Zero and undefined both mean "not asked". */
export function swapProblem(swap: Integer, memory: Integer): string | undefined {
  if (swap <= 0 || memory < 0) return undefined
  if (memory === 0) return 'unable to set swap limit without memory limit'
  return swap < memory ? 'memory+swap limit should be >= memory limit' : undefined
}

/**
 * memory.swap.max for the memory+swap limit of config.json, undefined when nothing is to be written.
 * Check with {@link swapProblem} first.
 */
export function swapToV2(swap: Integer, memory: Integer): string | undefined {
  // Compatible with v1: memory made unlimited and swap not mentioned means both.
  if (swap === 0) return memory === -1 ? 'max' : undefined
  if (swap < 0) return 'max'
  return String(memory < 0 ? swap : BigInt(swap) - BigInt(memory))
}
