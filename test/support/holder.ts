/** Processes that only hold namespaces, for containers to join. */
import { readFileSync } from 'node:fs'
import { start } from './exec.ts'
import { namespaceOf } from './kernel.ts'
import { atEnd } from './scratch.ts'
import { until } from './wait.ts'

/** Starts `unshare FLAGS sleep`, ended with the test; the pid of the process inside. */
export async function holdNamespaces(flags: readonly string[], type: string): Promise<number> {
  const forks = flags.includes('--fork')
  // What it forks would go on when it is killed.
  const all = [...flags, ...(forks ? ['--kill-child'] : [])]
  const running = start('unshare', [...all, 'sleep', '1000'], { timeout: 120_000 })
  atEnd(() => void running.child.kill('SIGKILL'))
  return until('namespace', () => {
    const children = readFileSync(`/proc/${running.pid}/task/${running.pid}/children`, 'utf8').trim()
    const pid = forks ? Number(children.split(' ')[0]) : running.pid
    if (!pid || readFileSync(`/proc/${pid}/comm`, 'utf8') !== 'sleep\n') return undefined
    return namespaceOf(pid, type) === namespaceOf('self', type) ? undefined : pid
  })
}
