/** containerd ends or crashes and comes back: what it runs goes on, and is its own again. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../support/wait.ts'
import { type Containerd, canContainerd } from './support/containerd.ts'
import { baseline, detached, execIn, LINGER, leftSinceThen, removeAll, taskStatus } from './support/ctr.ts'
import { startedAgain } from './support/daemon.ts'
import type { Snapshot } from './support/leftovers.ts'
import { type Pods, startPods } from './support/pods.ts'

/** Says a line every 50 ms. */
const TALK = 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done'

/**
 * From 1.7 containerd takes a task without a process, when it comes back, for one that it crashed in the making of, and
 * removes it (containerd/containerd#6866), whatever the runtime.
 */
async function forgetsWhatEnded({ host }: Containerd): Promise<boolean> {
  const said = await host.output('containerd', ['--version'])
  const [, major, minor] = / v?(\d+)\.(\d+)\./.exec(said) ?? []
  if (major === undefined) throw new Error(`no version: ${said}`)
  return Number(major) > 1 || Number(minor) >= 7
}

describe.runIf(canContainerd())('while containerd is away', () => {
  let pods: Pods
  let before: Snapshot
  beforeAll(async () => {
    pods = await startPods()
    before = await baseline(pods.containerd)
  })
  afterAll(() => pods?.close())

  test.each(['stop', 'kill'] as const)('(%s) tasks go on, talk and end', async (end) => {
    const { containerd } = pods
    const talking = await detached(containerd, TALK)
    const ending = await detached(containerd, `trap "exit 6" USR1; ${TALK}`)
    await until('talk', () => talking.output() !== '' && ending.output() !== '')
    await containerd.daemon[end]()
    const said = talking.output()
    await until('talk without containerd', () => talking.output().length > said.length)
    await containerd.host.exec('kill', ['-USR1', `${ending.pid}`])
    await containerd.again()
    expect(await taskStatus(containerd, talking.id)).toBe('RUNNING')
    expect(await execIn(containerd, talking.id, `echo hello; ${LINGER}; exit 3`)).toMatchObject({
      code: 3,
      stdout: 'hello\n',
    })
    const forgotten = await forgetsWhatEnded(containerd)
    const after = forgotten ? undefined : 'STOPPED'
    await until('the other’s end', async () => (await taskStatus(containerd, ending.id)) === after)
    const { stderr } = await containerd.exec(['task', 'delete', ending.id])
    expect(stderr).toMatch(forgotten ? /not found/ : /exit code 6\b/)
    await removeAll(containerd)
  })

  test.each(['stop', 'kill'] as const)('(%s) pods go on', async (end) => {
    const pod = await pods.pod()
    const container = await pod.start({})
    await pods.containerd.daemon[end]()
    await pods.again()
    const { status } = await pods.cri.call('PodSandboxStatus', { podSandboxId: pod.id })
    expect(status.state).toBe('SANDBOX_READY')
    expect(await container.exec('echo on; exit 3')).toMatchObject({ stdout: 'on\n', exitCode: 3 })
    await pods.cri.call('StopContainer', { containerId: container.id, timeout: 5 })
    expect(await container.ended()).toMatchObject({ exitCode: 0 })
    await pods.clear()
  })

  test('has left nothing', async () => {
    expect(await leftSinceThen(pods.containerd, before, startedAgain('containerd'))).toEqual([])
  })
})
