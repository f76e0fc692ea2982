/** What a worker leaves that was ended over a case: the command that it waited for, and containers. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { endProcess, takeAway } from './left.ts'
import { globalsOf, type Setting } from './setting.ts'

const PATIENCE = 20_000

/** All that a process has started and that still is below it, itself first. */
function family(pid: number): number[] {
  const path = `/proc/${pid}/task/${pid}/children`
  const children = existsSync(path) ? readFileSync(path, 'utf8').trim().split(' ').filter(Boolean) : []
  return [pid, ...children.flatMap((child) => family(Number(child)))]
}

/** Ends a process and what it waits for: a runtime that hangs would go on, and hold what is to be taken away. */
export function endFamily(pid: number): void {
  for (const each of family(pid)) endProcess(each)
}

/** Takes the containers of all bundles in the folder away, by force. */
export function clearAway(setting: Setting): void {
  const { folder, runtime } = setting
  for (const id of readdirSync(folder).filter((name) => name.startsWith('conf-'))) {
    const argv = [...globalsOf(setting), 'delete', '--force', id]
    spawnSync(runtime, argv, { stdio: 'ignore', timeout: PATIENCE, killSignal: 'SIGKILL' })
    takeAway({ id, rootfs: join(folder, id, 'rootfs') })
  }
}
