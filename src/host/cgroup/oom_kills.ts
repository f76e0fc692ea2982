/** Whom the kernel has killed for want of memory in a container's cgroups, and at which limit, in words. */
import { SysError } from '../../base/errors.ts'
import { readText } from '../../ffi/file.ts'
import type { CgroupRecord } from '../../plan/cgroup/model.ts'
import type { Read } from './stats_model.ts'

/** KERNEL: v1 says "no limit" by the largest number of whole pages, a little below 2^63. */
const UNLIMITED = 2n ** 62n

interface Files {
  /** Has a line "oom_kill N". */
  readonly kills: string
  readonly limit: string
  /** The first that is there counts. */
  readonly peaks: readonly string[]
}

/** KERNEL(5.19): memory.peak; before that the usage just after the kill is the best there is. */
const FILES: Readonly<Record<'v1' | 'v2', Files>> = {
  v1: { kills: 'memory.oom_control', limit: 'memory.limit_in_bytes', peaks: ['memory.max_usage_in_bytes'] },
  v2: { kills: 'memory.events', limit: 'memory.max', peaks: ['memory.peak', 'memory.current'] },
}

/**
 * "the kernel has killed 1 process of the container for want of memory: limit … in FILE, peak … in FILE"; undefined when
 * it has killed none, or does not say.
 */
export function oomKills({ v1, v2 }: CgroupRecord): string | undefined {
  for (const dir of v1) {
    const words = oomWords(dir, 'v1', reader(dir))
    if (words !== undefined) return words
  }
  return v2 === undefined ? undefined : oomWords(v2, 'v2', reader(v2))
}

/** The same of one directory. */
export function oomWords(dir: string, version: 'v1' | 'v2', read: Read): string | undefined {
  const { kills, limit, peaks } = FILES[version]
  const count = Number(/^oom_kill ([0-9]+)$/m.exec(read(kills) ?? '')?.[1] ?? 0)
  if (count === 0) return undefined
  const peak = peaks.find((file) => read(file) !== undefined)
  const who = `${count} process${count === 1 ? '' : 'es'} of the container`
  const told = [
    limitWords(`${dir}/${limit}`, read(limit)),
    ...(peak ? [`peak ${bytes(read(peak))} in ${dir}/${peak}`] : []),
  ]
  return `the kernel has killed ${who} for want of memory: ${told.join(', ')}`
}

/** Without a limit of its own a cgroup above it, or the machine, had no memory left. */
function limitWords(path: string, text = ''): string {
  const value = text.trim()
  const none = value === 'max' || (/^[0-9]+$/.test(value) && BigInt(value) >= UNLIMITED)
  return none ? `no limit of its own in ${path}` : `limit ${bytes(value)} in ${path}`
}

function bytes(text = ''): string {
  return `${text.trim()} bytes`
}

function reader(dir: string): Read {
  return (file) => {
    try {
      return readText(`${dir}/${file}`)
    } catch (error) {
      if (error instanceof SysError) return undefined
      throw error
    }
  }
}
