/** Lists of CPUs as cpuset(7) writes them, "0-3,7", and the masks that sched_setaffinity(2) takes. */

/** The highest number taken, as in runc: no kernel can be built for more (NR_CPUS is 8192 at the most). */
export const MAX_CPU = 65536

type Ranges = readonly (readonly [first: number, last: number])[]

/**
 * The ranges of a list, or why it is none, in runc's words. Empty parts and space around a part are fine, in a range
 * they are not; a list must name a CPU.
 */
export function parseCpuList(list: string): Ranges | string {
  const ranges: (readonly [number, number])[] = []
  for (const part of list.split(',')) {
    const text = part.trim()
    if (text === '') continue
    const cut = text.indexOf('-')
    const first = cpuNumber(cut < 0 ? text : text.slice(0, cut))
    const last = cut < 0 ? first : cpuNumber(text.slice(cut + 1))
    if (first === undefined || last === undefined) return `invalid CPU or range of CPUs "${text}"`
    if (first > last) return `invalid range: ${text}`
    if (last > MAX_CPU) return `values larger than ${MAX_CPU} are not supported`
    ranges.push([first, last])
  }
  return ranges.length > 0 ? ranges : 'no CPU in the list'
}

function cpuNumber(text: string): number | undefined {
  if (text === '' || text.length > 10) return undefined
  for (const char of text) if (char < '0' || char > '9') return undefined
  return Number(text)
}

/**
 * The mask, a bit each, as long as the list needs: what a kernel has no CPU for it ignores, and what the mask does not
 * reach counts as not set. `list` must be one that {@link parseCpuList} takes.
 */
export function cpuMask(list: string): Uint8Array {
  const ranges = parseCpuList(list)
  if (typeof ranges === 'string') throw new Error(`bug: "${list}": ${ranges}`)
  const last = ranges.reduce((most, range) => Math.max(most, range[1]), 0)
  // KERNEL: a multiple of the size of a long.
  const mask = new Uint8Array(8 * (Math.floor(last / 64) + 1))
  // Where ranges begin and end: however many there are and how they overlap, each CPU is looked at once.
  const edges = new Int32Array(last + 2)
  for (const [first, end] of ranges) {
    edges[first] = (edges[first] as number) + 1
    edges[end + 1] = (edges[end + 1] as number) - 1
  }
  for (let cpu = 0, inside = 0; cpu <= last; cpu++) {
    inside += edges[cpu] as number
    if (inside > 0) mask[cpu >> 3] = (mask[cpu >> 3] as number) | (1 << (cpu & 7))
  }
  return mask
}
