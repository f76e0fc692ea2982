/** Docker: the commands of every day. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { command, requires } from '../support/requires.ts'
import { type Docker, startDocker } from './support/docker.ts'
import { leftSince, type Snapshot, snapshot } from './support/leftovers.ts'

describe.runIf(requires('root', command('dockerd'), command('docker'), command('debootstrap')))('Docker', () => {
  let docker: Docker
  let before: Snapshot
  beforeAll(async () => {
    docker = await startDocker({ images: ['busybox:latest'] })
    before = await snapshot(docker.host)
  })
  afterAll(() => docker?.close())

  test('runs a program and gives its output and exit code', async () => {
    const result = await docker.exec(['run', '--rm', 'busybox', 'sh', '-c', 'echo hello; exit 7'])
    expect(result).toMatchObject({ stdout: 'hello\n', stderr: '', code: 7 })
  })

  test('has left nothing', async () => {
    expect(await leftSince(docker.host, before, [], [/^cgroup \S+\/docker$/])).toEqual([])
  })
})
