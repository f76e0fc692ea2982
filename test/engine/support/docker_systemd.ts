/** What the tests of Docker with systemd's cgroups have in common: its set-up, and where containers are. */
import { existsSync, writeFileSync } from 'node:fs'
import { until } from '../../support/wait.ts'
import { cgroupOf, limitOf } from './container.ts'
import { type Docker, inspect } from './docker.ts'
import type { SuiteOptions } from './docker_suite.ts'
import { SYSTEMD_DRIVER } from './driver.ts'
import { makeHost } from './host.ts'
import { snippets } from './page.ts'
import { unitsLike } from './unit.ts'

/** A daemon with the configuration of docs/engines/docker.md. */
async function asOnThePage(): Promise<SuiteOptions> {
  const host = await makeHost()
  const file = `${host.directory}/daemon.json`
  const text = snippets('docker', 'json').find((each) => each.includes('cgroupdriver=systemd')) ?? ''
  writeFileSync(file, text)
  return {
    ...{ host, driver: [], runtime: ['--config-file', file] },
    // A daemon that is started again is another process, in another scope.
    mayBeLeft: [/^(process|fd of) .*(dockerd|containerd)/, /^cgroup \S+\/run-\S+\.scope$/],
  }
}

/** For systemd alone; a daemon that is set up as the page says. */
export const SYSTEMD_DOCKER: SuiteOptions = { needs: [SYSTEMD_DRIVER], setUp: asOnThePage }

/** A container that runs, and where it is. */
export interface Placed {
  readonly pid: number
  readonly unit: string
  /** The directory of its first process. */
  readonly cgroup: string
  /** The text of a file of that. */
  file(name: string): string
}

export async function placeOf(docker: Docker, name: string): Promise<Placed> {
  const { Id, State } = await inspect(docker, name)
  const file = (of: string) => limitOf(docker.host, State.Pid, '', of)
  return { pid: State.Pid, unit: `docker-${Id}.scope`, cgroup: cgroupOf(docker.host, State.Pid, ''), file }
}

/** `docker run -d`. */
export async function runPlaced(docker: Docker, name: string, ...args: readonly string[]): Promise<Placed> {
  await docker.run('run', '-d', '--name', name, ...args)
  return placeOf(docker, name)
}

/** A container of busybox that sleeps. */
export const sleeping = (docker: Docker, name: string, ...flags: readonly string[]): Promise<Placed> =>
  runPlaced(docker, name, ...flags, 'busybox', 'sleep', '1000')

/** The units of all containers. */
export const scopes = (docker: Docker): Promise<string[]> => unitsLike(docker.host, 'docker-*')

/** Waits until a cgroup is gone, and with it the last of the units. */
export const untilGone = (docker: Docker, cgroup: string) =>
  until('neither unit nor cgroup', async () => !existsSync(cgroup) && (await scopes(docker)).length === 0)
