/** A bundle whose program sleeps. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { RUNTIME } from '../support/place.ts'

/** Makes it in this folder, unless it is there; the folder. */
export function sleepingBundle(path: string, cgroup: string): string {
  if (existsSync(path)) return path
  for (const name of ['bin', 'proc', 'dev', 'sys']) mkdirSync(`${path}/rootfs/${name}`, { recursive: true })
  execFileSync('cp', ['/bin/busybox', `${path}/rootfs/bin/sleep`])
  execFileSync(RUNTIME, ['spec', '--bundle', path])
  const config = JSON.parse(readFileSync(`${path}/config.json`, 'utf8'))
  config.process.terminal = false
  config.process.args = ['/bin/sleep', '1000']
  config.linux.cgroupsPath = cgroup
  writeFileSync(`${path}/config.json`, JSON.stringify(config))
  return path
}
