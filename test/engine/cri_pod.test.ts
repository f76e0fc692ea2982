/** Pods of Kubernetes on davit: the sandbox, what its containers share, its network, its end. */
import { readdirSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../support/wait.ts'
import { statusOf } from './support/container.ts'
import { canContainerd } from './support/containerd.ts'
import { languages, snippets } from './support/page.ts'
import { handler, type Pods, startPods } from './support/pods.ts'

describe.runIf(canContainerd())('a pod', () => {
  let pods: Pods
  beforeAll(async () => {
    pods = await startPods()
  })
  afterEach(() => pods.clear())
  afterAll(() => pods?.close())

  const status = async (podSandboxId: string) => (await pods.cri.call('PodSandboxStatus', { podSandboxId })).status
  const namespaces = async (pid: number) => {
    const types = ['net', 'ipc', 'uts', 'pid', 'mnt'] as const
    const script = `cd /proc/${pid}/ns; for i in ${types.join(' ')}; do readlink $i; done`
    const lines = (await pods.containerd.host.output('sh', ['-c', script])).split('\n')
    return Object.fromEntries(types.map((type, i) => [type, lines[i]]))
  }

  test('of the manifests on the page runs with the class’s handler', async () => {
    expect(languages('kubernetes')).toEqual(['yaml', 'yaml', 'yaml'])
    const [runtimeClass = '', pod = ''] = snippets('kubernetes', 'yaml')
    expect(/^ +runtimeClassName: (\S+)$/m.exec(pod)?.[1]).toBe(/^ +name: (\S+)$/m.exec(runtimeClass)?.[1])
    const image = { image: /image: (\S+)/.exec(pod)?.[1] ?? '' }
    const made = await pods.pod()
    const container = await made.start({ image, command: JSON.parse(/command: (.*)/.exec(pod)?.[1] ?? '') })
    await until('its words', () => container.log().includes('stdout F hello from davit'))
    expect(await status(made.id)).toMatchObject({ runtimeHandler: handler() })
    const options = JSON.parse(
      (await pods.cri.call('PodSandboxStatus', { podSandboxId: made.id, verbose: true })).info.info ?? '{}',
    )
    expect(options.runtimeOptions.binary_name).toBe(
      snippets('containerd', 'toml')
        .join()
        .match(/BinaryName = "(.*)"/)?.[1],
    )
  })

  test('of an unknown handler is refused, the one without a handler is davit’s', async () => {
    const { config } = await pods.pod()
    const again = (name: string) => ({ ...config, metadata: { ...config.metadata, name, uid: name } })
    const unknown = pods.cri.call('RunPodSandbox', { config: again('unknown'), runtimeHandler: 'nope' })
    await expect(unknown).rejects.toThrow(/no runtime for "nope" is configured/)
    const { podSandboxId } = await pods.cri.call('RunPodSandbox', { config: again('default'), runtimeHandler: '' })
    expect((await status(podSandboxId)).state).toBe('SANDBOX_READY')
  })

  test('is ready, with its annotations, hostname and a pause process', async () => {
    const pod = await pods.pod()
    expect(await status(pod.id)).toMatchObject({ state: 'SANDBOX_READY', annotations: { 'example.org/key': 'välue' } })
    const pid = await pod.pid()
    expect(statusOf(pods.containerd.host, pid)).toMatchObject({ Name: 'pause', Seccomp: '2', NoNewPrivs: '1' })
    const container = await pod.start({})
    expect((await container.exec('hostname')).stdout).toBe(`${pod.config.hostname}\n`)
    expect(readdirSync(pods.containerd.host.path(`/proc/${pid}/fd`)).sort()).toEqual(['0', '1', '2'])
  })

  test('shares network, IPC and host name among its containers, and no more', async () => {
    const pod = await pods.pod()
    const [one, two] = [await pod.start({}), await pod.start({})]
    const [own, first, second] = await Promise.all([pod, one, two].map(async (each) => namespaces(await each.pid())))
    for (const type of ['net', 'ipc', 'uts'] as const)
      expect([first?.[type], second?.[type]]).toEqual([own?.[type], own?.[type]])
    for (const type of ['pid', 'mnt'] as const)
      expect(new Set([own?.[type], first?.[type], second?.[type]]).size).toBe(3)
    expect((await one.exec('echo shared >/dev/shm/file')).exitCode).toBe(0)
    expect((await two.exec('cat /dev/shm/file')).stdout).toBe('shared\n')
  })

  test('with shareProcessNamespace has one pid namespace, reaped by pause', async () => {
    const pod = await pods.pod({ linux: { securityContext: { namespaceOptions: { pid: 'POD' } } } })
    const one = await pod.start({})
    const two = await pod.start('setsid sleep 876 & exec sleep 1000')
    expect((await namespaces(await one.pid())).pid).toBe((await namespaces(await pod.pid())).pid)
    const list = async () => (await one.exec('ps -o pid,args')).stdout
    expect(await list()).toMatch(/^ *1 \/pause$/m)
    await until('the other’s processes', async () => /sleep 1000/.test(await list()) && /sleep 876/.test(await list()))
    await pods.cri.call('StopContainer', { containerId: two.id, timeout: 0 })
    expect(await list()).not.toMatch(/sleep 1000|sleep 876/)
    expect(await one.exec('echo on')).toMatchObject({ stdout: 'on\n' })
  })

  test('can look into another container’s pid namespace', async () => {
    const pod = await pods.pod()
    const target = await pod.start('exec sleep 765')
    const debug = await pod.secured({ namespaceOptions: { pid: 'TARGET', targetId: target.id } })
    expect((await debug.exec('ps -o args')).stdout).toContain('sleep 765')
    expect((await namespaces(await debug.pid())).pid).toBe((await namespaces(await target.pid())).pid)
  })

  test('has an address on the network, reaches the gateway and other pods', async () => {
    const [one, two] = [await pods.pod(), await pods.pod()]
    const server = await one.start('echo "hello from one" >/tmp/index.html; httpd -f -p 80 -h /tmp')
    const { ip } = (await status(one.id)).network ?? {}
    expect(ip).toMatch(/^172\.31\.240\.\d+$/)
    const client = await two.start({})
    const fetch = () => client.exec(`wget -q -O - http://${ip}/index.html`)
    await until('the answer', async () => (await fetch()).stdout === 'hello from one\n')
    expect((await client.exec('ping -c 1 -W 2 172.31.240.1')).exitCode).toBe(0)
    expect((await server.exec('cat /proc/net/dev')).stdout).toMatch(/^ *eth0:/m)
    const links = await pods.containerd.host.output('ip', ['-o', 'link', 'show', 'master', 'pods0'])
    expect(links.trim().split('\n')).toHaveLength(2)
  })

  test('on the host’s network sees its links', async () => {
    const pod = await pods.pod({
      hostname: '',
      linux: { securityContext: { namespaceOptions: { network: 'NODE', pid: 'CONTAINER' } } },
    })
    const container = await pod.start({})
    expect((await container.exec('cat /proc/net/dev')).stdout).toMatch(/pods0:/)
    expect((await namespaces(await container.pid())).net).toBe((await namespaces(1)).net)
  })

  test('on the host’s pid namespace sees its processes', async () => {
    const pod = await pods.pod({ linux: { securityContext: { namespaceOptions: { pid: 'NODE' } } } })
    const container = await pod.start({})
    expect((await container.exec('ps -o args')).stdout).toMatch(/^containerd --config/m)
    expect((await namespaces(await container.pid())).pid).toBe((await namespaces(1)).pid)
  })

  test('has its DNS settings and its sysctls', async () => {
    const pod = await pods.pod({
      dnsConfig: { servers: ['192.0.2.53'], searches: ['default.svc.example'] },
      linux: { sysctls: { 'net.ipv4.ip_unprivileged_port_start': '80', 'kernel.shm_rmid_forced': '1' } },
    })
    const container = await pod.start({})
    const { stdout } = await container.exec(
      'cat /etc/resolv.conf; cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/shm_rmid_forced',
    )
    expect(stdout).toBe('search default.svc.example\nnameserver 192.0.2.53\n80\n1\n')
  })

  test('has figures', async () => {
    const pod = await pods.pod()
    const container = await pod.start({})
    const { attributes, linux } = (await pods.cri.call('PodSandboxStats', { podSandboxId: pod.id })).stats
    expect(attributes.id).toBe(pod.id)
    expect(linux.containers.map((each) => each.attributes.id)).toEqual([container.id])
    expect(linux.cpu.usageCoreNanoSeconds.value).toBeGreaterThan(0)
    expect(linux.memory.workingSetBytes.value).toBeGreaterThan(0)
    expect(linux.process.processCount.value).toBeGreaterThanOrEqual(2)
  })

  test('that is stopped takes its containers with it, more than once', async () => {
    const pod = await pods.pod()
    const container = await pod.start('trap "" TERM; while :; do sleep 0.05; done')
    const pids = [await pod.pid(), await container.pid()]
    for (let i = 0; i < 2; i++) await pods.cri.call('StopPodSandbox', { podSandboxId: pod.id })
    expect((await status(pod.id)).state).toBe('SANDBOX_NOTREADY')
    expect(await container.ended()).toMatchObject({ exitCode: 137 })
    for (const pid of pids) expect(() => pods.containerd.host.read(`/proc/${pid}/status`)).toThrow(/ENOENT|ESRCH/)
    for (let i = 0; i < 2; i++) await pods.cri.call('RemovePodSandbox', { podSandboxId: pod.id })
    await expect(status(pod.id)).rejects.toThrow(/not found/)
    expect((await pods.cri.call('ListContainers', {})).containers).toEqual([])
  })

  test('whose pause process dies is not ready', async () => {
    const pod = await pods.pod()
    await pods.containerd.host.exec('kill', ['-KILL', `${await pod.pid()}`])
    await until('the news', async () => (await status(pod.id)).state === 'SANDBOX_NOTREADY')
  })

  test('many at once', async () => {
    const made = await Promise.all(Array.from({ length: 8 }, () => pods.pod()))
    const containers = await Promise.all(made.map((pod) => pod.start({})))
    const said = await Promise.all(containers.map((container) => container.exec('hostname')))
    expect(said.map(({ stdout }) => stdout)).toEqual(made.map(({ config }) => `${config.hostname}\n`))
  })

  test('has left nothing: no process, mount, cgroup, link, rule, file or fd', async () => {
    expect(await pods.left()).toEqual([])
  })
})
