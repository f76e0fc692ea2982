/** The kernel's numbers in cgroup files. Pure: text in, numbers out; what does not look as expected is left out. */
import type { Pressure } from './stats_model.ts'

/** "max" on v2, as runc shows it: 2^64 - 1. */
export const NO_LIMIT = 2n ** 64n - 1n

/** A file with one number, or "max". */
export function one(text: string | undefined): bigint | undefined {
  const word = text?.trim() ?? ''
  if (word === 'max') return NO_LIMIT
  return /^-?[0-9]+$/.test(word) ? BigInt(word) : undefined
}

/** Zero counts as absent, as Go's omitempty has it. */
export function some(value: bigint | undefined): bigint | undefined {
  return value === 0n ? undefined : value
}

/** Lines "key number", as in memory.stat; sorted, as Go prints a map. */
export function keyed(text: string | undefined): Record<string, bigint> {
  const found: [string, bigint][] = []
  for (const line of lines(text)) {
    const [key = '', number] = line.split(' ')
    const value = one(number)
    if (value !== undefined) found.push([key, value])
  }
  return Object.fromEntries(found.sort(([left], [right]) => (left < right ? -1 : 1)))
}

/** The lines of a text, without empty ones. */
export function lines(text: string | undefined): string[] {
  return (text ?? '').split('\n').filter((line) => line !== '')
}

/** No kernel is built for as many CPUs or nodes. */
const HIGHEST = 65_535

/** A list such as "0-3,7", of CPUs or memory nodes; undefined when it is empty. */
export function numberList(text: string | undefined): number[] | undefined {
  const list: number[] = []
  for (const part of (text ?? '').trim().split(',')) {
    const [first = Number.NaN, last = first] = part
      .split('-')
      .map((word) => (/^\d+$/.test(word) ? Number(word) : Number.NaN))
    for (let at = first; at <= Math.min(last, HIGHEST); at++) list.push(at)
  }
  return list.length === 0 ? undefined : list
}

/** cpu.pressure and its kind: "some avg10=0.00 avg60=0.00 avg300=0.00 total=0" and the same of "full". */
export function pressure(text: string | undefined): Pressure | undefined {
  if (text === undefined) return undefined
  const none = { avg10: 0, avg60: 0, avg300: 0, total: 0n }
  const found: { some: Pressure['some']; full: Pressure['some'] } = { some: none, full: none }
  for (const line of lines(text)) {
    const [kind, ...words] = line.split(' ')
    if (kind !== 'some' && kind !== 'full') continue
    const values = Object.fromEntries(words.map((word) => word.split('=')))
    const average = (key: string) => Number(values[key] ?? 0)
    found[kind] = {
      avg10: average('avg10'),
      avg60: average('avg60'),
      avg300: average('avg300'),
      total: one(values.total) ?? 0n,
    }
  }
  return found
}

/** Sizes such as "2MB" of the files "hugetlb.2MB.SUFFIX" among the names, smallest first. */
export function pageSizes(names: readonly string[], suffix: string): string[] {
  const sizes = names.flatMap((name) => {
    const [first, size, last, ...more] = name.split('.')
    return first === 'hugetlb' && last === suffix && more.length === 0 ? [size as string] : []
  })
  return sizes.sort()
}
