/** What `ps` prints: the lines of ps(1) that are about a container's processes. Pure. */
import { RuntimeError } from '../base/errors.ts'

/** The pids as engines read them. Go's encoder, which they expect, prints a list without members as null. */
export function pidsJson(pids: readonly number[]): string {
  return `${pids.length === 0 ? 'null' : JSON.stringify(pids)}\n`
}

/**
 * The heading and the lines whose PID column has one of the pids. A line of a thread, whose pid is "-", goes with the
 * process above it (`ps m`). The column is found by its heading, counting words, as runc does.
 * @throws RuntimeError in runc's words when there is no such column, or no number in it.
 */
export function psTable(output: string, pids: readonly number[]): string {
  const [heading = '', ...lines] = output.split('\n')
  const column = words(heading).indexOf('PID')
  if (column < 0) throw new RuntimeError('usage', "couldn't find PID field in ps output")
  const wanted = new Set(pids)
  const kept = [heading]
  let keep = false
  for (const line of lines) {
    if (line === '') continue
    const word = words(line)[column] ?? ''
    if (word !== '-') keep = wanted.has(pidOf(word))
    if (keep) kept.push(line)
  }
  return kept.map((line) => `${line}\n`).join('')
}

function words(line: string): string[] {
  return line.split(/\s+/).filter((word) => word !== '')
}

function pidOf(word: string): number {
  if (/^[0-9]+$/.test(word)) return Number(word)
  throw new RuntimeError('usage', `unable to parse pid: ${JSON.stringify(word)} is no number`)
}
