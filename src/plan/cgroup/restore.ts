/** How the value that a cgroup file had before is written back. Pure. */

/** What `cgroup.subtree_control`, `devices.allow` and their like take is no value that could be read back. */
const NO_VALUE = ['devices.allow', 'devices.deny', 'cgroup.subtree_control', 'cgroup.procs', 'cgroup.kill']

/** Files with a line for each device or interface: what a line that was not there is written as. */
const ABSENT: readonly (readonly [file: RegExp, absent: (key: string, written: string) => string])[] = [
  [/^blkio\.throttle\./, (key) => `${key} 0`],
  [/^(blkio|io)\..*weight(_device)?$/, (key) => `${key} default`],
  // "8:0 rbps=100" is undone by "8:0 rbps=max".
  [/^(io\.max|rdma\.max)$/, (_, written) => written.replace(/=[^ ]*/g, '=max')],
  [/^net_prio\.ifpriomap$/, (key) => `${key} 0`],
]

/**
 * What to write to `file` so that it says again what it said before `written` was written; undefined when that cannot
 * be told. `before` is the text of the file as it was read.
 */
export function restoredValue(file: string, before: string, written: string): string | undefined {
  if (NO_VALUE.includes(file)) return undefined
  const lines = before.split('\n').filter((line) => line !== '')
  // "oom_kill_disable 0" and more that cannot be written.
  if (file === 'memory.oom_control') return /^oom_kill_disable ([01])$/m.exec(before)?.[1]
  const key = written.includes(' ') ? (written.split(' ')[0] as string) : undefined
  const absent = key === undefined ? undefined : ABSENT.find(([pattern]) => pattern.test(file))?.[1]
  if (key !== undefined && absent !== undefined) {
    return lines.find((line) => line.startsWith(`${key} `)) ?? absent(key, written)
  }
  // KERNEL: an empty list of CPUs reads as an empty line, and is written as one.
  if (lines.length === 0) return '\n'
  // io.weight and its kind: the first line is the cgroup's own value, those of devices follow.
  if (lines.length === 1 || lines[0]?.startsWith('default ')) return lines[0]
  return undefined
}
