/** Podman as root: pods, Kubernetes' YAML, networks by netavark, published ports. */
import { writeFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { isFrozen, limitOf, statusOf } from './support/container.ts'
import { untilAnswer } from './support/http.ts'
import type { Snapshot } from './support/leftovers.ts'
import { baseline, canPodman, inspect, leftInPodman, makePodman, type Podman } from './support/podman.ts'

const KUBE = `apiVersion: v1
kind: Pod
metadata: { name: two }
spec:
  shareProcessNamespace: true
  containers:
  - name: strict
    image: localhost/busybox:latest
    command: [sleep, "1000"]
    resources: { limits: { memory: 64Mi } }
    securityContext:
      runAsUser: 1000
      readOnlyRootFilesystem: true
      allowPrivilegeEscalation: false
      capabilities: { drop: [ALL] }
  - name: web
    image: localhost/busybox:latest
    command: [sh, -c, "echo ready; mkdir /www; echo page of $NAME >/www/index.html; exec httpd -f -h /www"]
    env: [{ name: NAME, value: kube }]
    ports: [{ containerPort: 80, hostPort: 8090 }]
`

describe.runIf(canPodman())('Podman, pods and networks', () => {
  let podman: Podman
  let before: Snapshot

  beforeAll(async () => {
    podman = await makePodman(['busybox:latest', 'pause:3.9'])
    before = await baseline(podman)
  })
  afterEach(() => podman.clear())
  afterAll(() => podman?.close())

  const pidOf = async (name: string) => (await inspect(podman, name)).State.Pid
  const namespace = (pid: number, type: string) => podman.host.output('readlink', [`/proc/${pid}/ns/${type}`])

  test('a pod shares what it is told to: create, run, exec, top, pause, stop, start, rm', async () => {
    await podman.run('pod', 'create', '--name', 'pod', '--share', 'net,ipc,uts,pid', '--publish', '8091:80')
    const web = 'echo page of the pod >/root/index.html; exec httpd -f -h /root'
    await podman.run('run', '-d', '--pod', 'pod', '--name', 'web', 'busybox', 'sh', '-c', web)
    await podman.run('run', '-d', '--pod', 'pod', '--name', 'other', 'busybox', 'sleep', '1000')
    const [one, two] = [await pidOf('web'), await pidOf('other')]
    for (const type of ['net', 'ipc', 'uts', 'pid']) {
      expect(await namespace(two, type), type).toBe(await namespace(one, type))
    }
    expect(await namespace(two, 'mnt')).not.toBe(await namespace(one, 'mnt'))
    const seen = await podman.run('exec', 'other', 'sh', '-c', 'hostname; wget -qO- http://127.0.0.1/; ps')
    expect(seen).toMatch(/^pod\npage of the pod\n[\s\S]*httpd -f -h \/root/)
    await untilAnswer(podman.host, 'http://127.0.0.1:8091/', 'page of the pod')
    expect(await podman.run('pod', 'top', 'pod', 'comm')).toMatch(/pause[\s\S]*httpd[\s\S]*sleep/)

    await podman.run('pod', 'pause', 'pod')
    expect([isFrozen(podman.host, one), isFrozen(podman.host, two)]).toEqual([true, true])
    await podman.run('pod', 'unpause', 'pod')
    expect(await podman.run('pod', 'ps', '--format', '{{.Name}} {{.Status}} {{.NumberOfContainers}}')).toBe(
      'pod Running 3',
    )
    await podman.run('pod', 'stop', '--time', '1', 'pod')
    expect(await podman.run('ps', '--quiet')).toBe('')
    await podman.run('pod', 'start', 'pod')
    await untilAnswer(podman.host, 'http://127.0.0.1:8091/', 'page of the pod')
    const yaml = await podman.run('generate', 'kube', 'pod')
    expect(yaml).toMatch(/kind: Pod[\s\S]*name: web[\s\S]*shareProcessNamespace: true/)
    await podman.run('pod', 'rm', '--force', '--time', '0', 'pod')
  })

  test('play kube makes what the YAML says, and takes it down again', async () => {
    const file = `${podman.host.directory}/pod.yaml`
    writeFileSync(file, KUBE)
    await podman.run('play', 'kube', file)
    const pid = await pidOf('two-strict')
    expect(statusOf(podman.host, pid)).toMatchObject({
      ...{ Uid: '1000 1000 1000 1000', CapBnd: '0000000000000000', NoNewPrivs: '1', Seccomp: '2' },
    })
    expect(limitOf(podman.host, pid, 'memory', 'memory.limit_in_bytes', 'memory.max')).toBe(String(64 * 2 ** 20))
    expect((await podman.try('exec', 'two-strict', 'touch', '/x')).stderr).toContain('Read-only file system')
    await untilAnswer(podman.host, 'http://127.0.0.1:8090/', 'page of kube')
    expect(await podman.run('logs', 'two-web')).toBe('ready')
    await podman.run('play', 'kube', '--down', file)
    expect(await podman.run('ps', '--all', '--quiet')).toBe('')
  })

  test('a network of its own: names, addresses, published ports; container:, host and none', async () => {
    await podman.run('network', 'create', '--subnet', '172.31.225.0/24', 'own')
    const web = 'echo page >/root/index.html; exec httpd -f -h /root'
    const address = ['--network', 'own', '--ip', '172.31.225.9']
    await podman.run('run', '-d', '--name', 'web', ...address, '-p', '127.0.0.1:8092:80', 'busybox', 'sh', '-c', web)
    await untilAnswer(podman.host, 'http://127.0.0.1:8092/', 'page')
    expect(await podman.run('port', 'web')).toBe('80/tcp -> 127.0.0.1:8092')
    const near = ['run', '--rm', '--network']
    expect(await podman.run(...near, 'own', 'busybox', 'wget', '-qO-', 'http://172.31.225.9/')).toBe('page')
    expect(await podman.run(...near, 'container:web', 'busybox', 'ip', '-o', '-4', 'addr')).toContain(
      ' 172.31.225.9/24 ',
    )
    const links = ['busybox', 'sh', '-c', 'ip -o link | cut -d: -f2 | tr -d "\\n"']
    expect(await podman.run(...near, 'none', ...links)).toBe(' lo')
    expect(await podman.run(...near, 'host', ...links)).toMatch(/podman\d/)
    await podman.run('rm', '--force', '--time', '0', 'web')
    await podman.run('network', 'rm', 'own')
  })

  test('has left nothing', async () => {
    expect(await leftInPodman(podman, before)).toEqual([])
  })
})
