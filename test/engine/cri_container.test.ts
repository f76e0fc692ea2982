/** Containers of Kubernetes: from CreateContainer to RemoveContainer, as kubelet asks for them. */
import { renameSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { repositoryPath } from '../support/place.ts'
import { until } from '../support/wait.ts'
import { limitOf, statusOf } from './support/container.ts'
import { canContainerd } from './support/containerd.ts'
import { type Pods, startPods } from './support/pods.ts'

describe.runIf(canContainerd())('a container of a pod', () => {
  let pods: Pods
  beforeAll(async () => {
    pods = await startPods()
  })
  afterEach(() => pods.clear())
  afterAll(() => pods?.close())

  const read = async (container: { pid(): Promise<number> }, controller: string, ...files: readonly string[]) =>
    limitOf(pods.containerd.host, await container.pid(), controller, ...files)

  test('goes from created to running to exited to gone', async () => {
    const pod = await pods.pod()
    const { id, ended, log } = await pod.create('echo out; echo err >&2; printf half; sleep 0.2; exit 3')
    const state = async () => (await pods.cri.call('ContainerStatus', { containerId: id })).status
    expect(await state()).toMatchObject({ state: 'CONTAINER_CREATED', startedAt: 0, finishedAt: 0 })
    await pods.cri.call('StartContainer', { containerId: id })
    const { startedAt, finishedAt, ...status } = await ended()
    expect(status).toMatchObject({ exitCode: 3, reason: 'Error' })
    expect(finishedAt).toBeGreaterThanOrEqual(startedAt)
    await until('the log', () => log().length === 3)
    expect(log().sort()).toEqual(['stderr F err', 'stdout F out', 'stdout P half'])
    await pods.cri.call('RemoveContainer', { containerId: id })
    await pods.cri.call('RemoveContainer', { containerId: id })
    expect((await pods.cri.call('ListContainers', {})).containers).toEqual([])
    await expect(state()).rejects.toThrow(/not found/)
  })

  test.each([
    ['exit 0', 0, 'Completed'],
    ['exit 200', 200, 'Error'],
    ["sh -c 'kill -KILL $$'; exit $?", 137, 'Error'],
  ])('that ends with %s has the exit code and reason', async (script, exitCode, reason) => {
    const container = await (await pods.pod()).start(script)
    expect(await container.ended()).toMatchObject({ exitCode, reason })
  })

  test('that cannot start says why', async () => {
    const pod = await pods.pod()
    const { id } = await pod.create({ command: ['/nope'] }).catch((error: Error) => ({ id: error.message }))
    if (/^[0-9a-f]{64}$/.test(id)) {
      const start = pods.cri.call('StartContainer', { containerId: id })
      await expect(start).rejects.toThrow(/OCI runtime create failed: .*\/nope.*no such file or directory/)
      const { status } = await pods.cri.call('ContainerStatus', { containerId: id })
      expect(status).toMatchObject({ state: 'CONTAINER_EXITED', exitCode: 128, reason: 'StartError' })
      expect(status.message).toMatch(/no such file or directory/)
    } else expect(id).toMatch(/no such file or directory/)
  })

  test('that needs more memory than it may have is OOMKilled', async () => {
    const linux = { resources: { memoryLimitInBytes: 16 << 20 } }
    const container = await (await pods.pod()).start({ command: ['tail', '/dev/zero'], linux })
    expect(await container.ended()).toMatchObject({ exitCode: 137, reason: 'OOMKilled' })
  })

  test('has its environment, directory, mounts and devices', async () => {
    const { directory } = pods.containerd.host
    const container = await (await pods.pod()).start({
      workingDir: '/var',
      envs: [{ key: 'NAME', value: 'some value' }],
      mounts: [
        { containerPath: '/there', hostPath: `${directory}/logs`, readonly: true },
        { containerPath: '/here', hostPath: `${directory}/ipam` },
      ],
      devices: [{ containerPath: '/dev/other', hostPath: '/dev/fuse', permissions: 'rw' }],
    })
    const { stdout } = await container.exec(
      'echo $NAME; pwd; ls /there | head -c 3; echo; touch /there/x 2>&1; touch /here/x && rm /here/x; head -c 0 /dev/other && echo opened',
    )
    expect(stdout).toMatch(/^some value\n\/var\npod\ntouch.*Read-only file system\nopened\n$/)
  })

  describe('ExecSync', () => {
    test('gives streams and exit code', async () => {
      const container = await (await pods.pod()).start({})
      expect(await container.exec('echo out; echo err >&2; exit 5')).toEqual({
        stdout: 'out\n',
        stderr: 'err\n',
        exitCode: 5,
      })
      expect(await container.exec('exit 0')).toEqual({ stdout: '', stderr: '', exitCode: 0 })
      const { stdout } = await container.exec('head -c 5000000 /dev/zero')
      expect(stdout).toHaveLength(5_000_000)
    })

    test('many at once', async () => {
      const container = await (await pods.pod()).start({})
      const numbers = Array.from({ length: 10 }, (_, i) => i)
      const results = await Promise.all(numbers.map((i) => container.exec(`echo ${i}; exit ${i}`)))
      expect(results).toEqual(numbers.map((i) => ({ stdout: `${i}\n`, stderr: '', exitCode: i })))
    })

    test('ends what takes too long', async () => {
      const container = await (await pods.pod()).start({})
      const cmd = ['sh', '-c', 'sleep 987']
      const call = pods.cri.call('ExecSync', { containerId: container.id, cmd, timeout: 1 })
      await expect(call).rejects.toThrow(/timeout 1s exceeded.*deadline exceeded/)
      expect((await container.exec('ps -o args | grep -c "^sleep [9]87"')).stdout).toBe('0\n')
    })

    test('says what is wrong', async () => {
      const container = await (await pods.pod()).start({})
      const call = pods.cri.call('ExecSync', { containerId: container.id, cmd: ['nope'], timeout: 5 })
      await expect(call).rejects.toThrow(/OCI runtime exec failed: .*nope.*executable file not found in \$PATH/)
    })
  })

  describe('streams', () => {
    const attach = (url: string, ...size: readonly string[]) =>
      pods.containerd.host.start(
        repositoryPath('node_modules/bun/bin/bun.exe'),
        [repositoryPath('test/engine/support/cri_stream.ts'), url, ...size],
        { stdin: '' },
      )

    test('Exec without a terminal', async () => {
      const container = await (await pods.pod()).start({})
      const cmd = ['sh', '-c', 'read line; echo "got $line"; echo err >&2; exit 6']
      const streams = { stdin: true, stdout: true, stderr: true }
      const running = attach((await pods.cri.call('Exec', { containerId: container.id, cmd, ...streams })).url)
      running.write('hello\n')
      expect(await running.done).toMatchObject({ code: 6, stdout: 'got hello\n', stderr: 'err\n' })
    })

    test('Exec on a terminal', async () => {
      const container = await (await pods.pod()).start({})
      const script =
        'until stty size 2>/dev/null | grep "33 99"; do sleep 0.05; done; tty; read line; echo "got $line"; exit 7'
      const cmd = ['sh', '-c', script]
      const streams = { stdin: true, stdout: true, tty: true }
      const { url } = await pods.cri.call('Exec', { containerId: container.id, cmd, ...streams })
      const running = attach(url, '33', '99')
      await until('the size', () => running.stdout().includes('/dev/pts/0'))
      running.write('hello\r')
      const { code, stdout } = await running.done
      expect([code, stdout.replaceAll('\r', '')]).toEqual([7, '33 99\n/dev/pts/0\nhello\ngot hello\n'])
    })

    test('Attach to a container with a terminal and input', async () => {
      const container = await (await pods.pod()).start({
        command: ['sh', '-c', 'tty; while read line; do echo "got $line"; [ "$line" = end ] && exit 4; done'],
        stdin: true,
        tty: true,
      })
      const streams = { stdin: true, stdout: true, tty: true }
      const running = attach((await pods.cri.call('Attach', { containerId: container.id, ...streams })).url)
      running.write('one\r')
      await until('the answer', () => running.stdout().includes('got one'))
      running.write('end\r')
      await running.done
      expect(await container.ended()).toMatchObject({ exitCode: 4 })
    })
  })

  test('has its log in a file that can be rotated', async () => {
    const container = await (await pods.pod()).start('i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done')
    await until('lines', () => container.log().length > 2)
    const { logPath } = (await pods.cri.call('ContainerStatus', { containerId: container.id })).status
    renameSync(logPath, `${logPath}.1`)
    await pods.cri.call('ReopenContainerLog', { containerId: container.id })
    await until('lines in the new log', () => container.log().length > 2)
    expect(container.log()[0]).toMatch(/^stdout F [1-9]\d*$/)
    expect(container.log()[0]).not.toBe('stdout F 1')
  })

  test('has its limits in the kernel, and UpdateContainerResources changes them', async () => {
    const container = await (await pods.pod()).start({
      linux: {
        resources: {
          memoryLimitInBytes: 64 << 20,
          cpuQuota: 50_000,
          cpuPeriod: 100_000,
          cpuShares: 512,
          cpusetCpus: '0',
          oomScoreAdj: 900,
        },
      },
    })
    const limits = async () => ({
      memory: await read(container, 'memory', 'memory.limit_in_bytes', 'memory.max'),
      quota: (await read(container, 'cpu', 'cpu.cfs_quota_us', 'cpu.max')).split(' ')[0],
      cpus: await read(container, 'cpuset', 'cpuset.cpus'),
    })
    expect(await limits()).toEqual({ memory: `${64 << 20}`, quota: '50000', cpus: '0' })
    expect(['512', '59']).toContain(await read(container, 'cpu', 'cpu.shares', 'cpu.weight'))
    expect(pods.containerd.host.read(`/proc/${await container.pid()}/oom_score_adj`)).toBe('900\n')
    const update = (linux: object) => pods.cri.call('UpdateContainerResources', { containerId: container.id, linux })
    await update({ memoryLimitInBytes: 48 << 20 })
    expect(await limits()).toEqual({ memory: `${48 << 20}`, quota: '50000', cpus: '0' })
    await update({ cpuQuota: 20_000, cpuPeriod: 100_000, cpusetCpus: '0-1', memoryLimitInBytes: 96 << 20 })
    expect(await limits()).toEqual({ memory: `${96 << 20}`, quota: '20000', cpus: '0-1' })
    expect(await container.exec('echo still here')).toMatchObject({ stdout: 'still here\n' })
  })

  test('has figures', async () => {
    const container = await (await pods.pod()).start('while :; do :; done')
    const stats = async () => (await pods.cri.call('ContainerStats', { containerId: container.id })).stats
    const first = await stats()
    expect(first.attributes.id).toBe(container.id)
    expect(first.memory.workingSetBytes.value).toBeGreaterThan(0)
    await until(
      'more use of the CPU',
      async () => (await stats()).cpu.usageCoreNanoSeconds.value > first.cpu.usageCoreNanoSeconds.value + 20_000_000,
    )
    const all = (await pods.cri.call('ListContainerStats', {})).stats
    expect(all.map(({ attributes }) => attributes.id)).toEqual([container.id])
  })

  test('is stopped with its signal, or killed after the grace', async () => {
    const pod = await pods.pod()
    const polite = await pod.start('trap "echo bye; exit 9" TERM; echo ready; while :; do sleep 0.05; done')
    const deaf = await pod.start('trap "" TERM; echo ready; while :; do sleep 0.05; done')
    for (const { log } of [polite, deaf]) await until('ready', () => log().length === 1)
    await pods.cri.call('StopContainer', { containerId: polite.id, timeout: 10 })
    expect(await polite.ended()).toMatchObject({ exitCode: 9 })
    const start = Date.now()
    await pods.cri.call('StopContainer', { containerId: deaf.id, timeout: 1 })
    expect(Date.now() - start).toBeGreaterThan(900)
    expect(await deaf.ended()).toMatchObject({ exitCode: 137 })
    await pods.cri.call('StopContainer', { containerId: deaf.id, timeout: 1 })
  })

  test('is removed while it runs', async () => {
    const container = await (await pods.pod()).start({})
    const pid = await container.pid()
    expect(statusOf(pods.containerd.host, pid).Name).toBe('sh')
    await pods.cri.call('RemoveContainer', { containerId: container.id })
    expect(() => pods.containerd.host.read(`/proc/${pid}/status`)).toThrow(/ENOENT|ESRCH/)
  })

  test('has left nothing', async () => {
    expect(await pods.left()).toEqual([])
  })
})
