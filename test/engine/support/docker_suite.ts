/** What all tests of Docker begin and end with: a daemon of their own, and nothing left of their containers. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { command, type Need, requires } from '../../support/requires.ts'
import { type Docker, type DockerOptions, startDocker } from './docker.ts'
import { leftSince, type Snapshot, snapshot } from './leftovers.ts'

export interface SuiteOptions extends DockerOptions {
  /** What is needed beside Docker. */
  readonly needs?: readonly Need[]
  /** More of these options, when the needs are met. */
  readonly setUp?: () => Promise<SuiteOptions>
  /** The containers of one test are there in the next. */
  readonly keep?: boolean
  /** To be done before what is on the host is counted. */
  readonly prepare?: (docker: Docker) => Promise<void>
  /** What may be left: not the containers', but the daemon's. */
  readonly mayBeLeft?: readonly RegExp[]
}

const PROGRAMS = ['dockerd', 'docker', 'containerd', 'iptables', 'script']
const DAEMONS = ['dockerd', 'containerd']

/** The first container makes what stays for the next: a parent cgroup, connections, the namespace file of the host. */
async function baseline(docker: Docker): Promise<Snapshot> {
  await docker.run('run', '--rm', '-p', '9999:80', 'busybox', 'true')
  await docker.run('run', '--rm', '--network', 'host', '--userns', 'host', 'busybox', 'true')
  return snapshot(docker.host, DAEMONS)
}

/**
 * Tests with a Docker of their own, which has busybox. `docker` may be used in tests and hooks. After each test its
 * containers are removed; the last test is that all have left nothing. When a test fails, so says the daemon's log.
 */
export function dockerSuite(name: string, options: SuiteOptions, tests: (docker: Docker) => void): void {
  describe.runIf(requires('root', ...PROGRAMS.map(command), ...(options.needs ?? [])))(name, () => {
    const docker = {} as Docker // filled before the first test
    let all: SuiteOptions = {}
    let before: Snapshot
    beforeAll(async () => {
      all = { ...options, ...(await options.setUp?.()) }
      Object.assign(docker, await startDocker({ ...all, images: ['busybox:latest', ...(all.images ?? [])] }))
      await all.prepare?.(docker)
      before = await baseline(docker)
    })
    afterEach(async ({ task }) => {
      if (task.result?.state === 'fail') console.error(docker.log())
      if (!all.keep) await docker.clear()
    })
    afterAll(() => docker.close?.())

    tests(docker)

    test('has left nothing: no process, mount, cgroup, link, rule or fd', async () => {
      await docker.clear()
      expect(await leftSince(docker.host, before, DAEMONS, all.mayBeLeft)).toEqual([])
    })
  })
}
