/** Processes that only hold namespaces, for containers to join. */
import { readFileSync } from 'node:fs'
import { start } from './exec.ts'
import { namespaceOf } from './kernel.ts'
import { atEnd } from './scratch.ts'
import { until } from './wait.ts'

/** Starts `unshare FLAGS sleep`, ended with the test; the pid of the process inside. */
export async function holdNamespaces(flags: readonly string[], type: string): Promise<number> {
  const running = start('unshare', [...flags, 'sleep', '1000'], { timeout: 120_000 })
  atEnd(() => void running.child.kill('SIGKILL'))
  const forks = flags.includes('--fork')
  return until('namespace', () => {
    const children = readFileSync(`/proc/${running.pid}/task/${running.pid}/children`, 'utf8').trim()
    const pid = forks ? Number(children.split(' ')[0]) : running.pid
    if (!pid || readFileSync(`/proc/${pid}/comm`, 'utf8') !== 'sleep\n') return undefined
    return namespaceOf(pid, type) === namespaceOf('self', type) ? undefined : pid
  })
}
