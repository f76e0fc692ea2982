/** Pods as kubelet makes them: containerd's CRI, a network of the CNI's bridge plugin, the RuntimeClass's handler. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { until } from '../../support/wait.ts'
import { type Containerd, startContainerd } from './containerd.ts'
import { type ContainerConfig, type Cri, connectCri, type PodConfig, type SecurityContext } from './cri.ts'
import { leftSinceThen, remains } from './ctr.ts'
import { DRIVER } from './driver.ts'
import { snippets } from './page.ts'

export interface Pods {
  readonly containerd: Containerd
  readonly cri: Cri
  /** Runs a pod; `change` is laid over kubelet's usual configuration. */
  pod(change?: Partial<PodConfig>): Promise<Pod>
  /** Starts containerd again after it was stopped or killed, and waits for its CRI. */
  again(): Promise<void>
  /** Stops and removes all pods. */
  clear(): Promise<void>
  /** What pods have left on the host; `expected` is what may have come. */
  left(expected?: readonly RegExp[]): Promise<string[]>
  close(): Promise<void>
}

export interface Pod {
  readonly id: string
  readonly config: PodConfig
  /** The process of its pause container, on the engine's host. */
  pid(): Promise<number>
  /** Creates a container; a script, or more of the configuration. */
  create(what: string | Partial<ContainerConfig>): Promise<Container>
  /** The same, and starts it. */
  start(what: string | Partial<ContainerConfig>): Promise<Container>
  /** One with a security context, started. */
  secured(securityContext: SecurityContext, script?: string): Promise<Container>
}

export interface Container {
  readonly id: string
  pid(): Promise<number>
  /** Its log as lines "stdout F text", without their times. */
  log(): string[]
  /** Runs a script in it, to its end, with what it wrote as text. */
  exec(script: string): Promise<{ stdout: string; stderr: string; exitCode: number }>
  /** Waits for its end; its status then. */
  ended(): ReturnType<Cri['call']> extends Promise<unknown> ? Promise<Status> : never
}

type Status = Awaited<ReturnType<typeof statusOf>>

const statusOf = async (cri: Cri, containerId: string) =>
  (await cri.call('ContainerStatus', { containerId, verbose: true })).status

/** The pid in the `info` that a verbose status has. */
const pidIn = (info: Readonly<Record<string, string>>) => Number(JSON.parse(info.info ?? '{}').pid)

/** The handler of the RuntimeClass on docs/engines/kubernetes.md. */
export const handler = () =>
  /^handler: (\S+)$/m.exec(snippets('kubernetes', 'yaml').join('\n'))?.[1] ?? 'none on the page'

const SLEEP = 'trap "exit 0" TERM; echo ready; while :; do sleep 0.05; done'

let count = 0

function containerOf(pods: Pick<Pods, 'cri'>, id: string, log: string): Container {
  const { cri } = pods
  return {
    id,
    pid: async () => pidIn((await cri.call('ContainerStatus', { containerId: id, verbose: true })).info),
    log: () => {
      const lines = existsSync(log) ? readFileSync(log, 'utf8').split('\n') : []
      return lines.filter((line) => line !== '').map((line) => line.slice(line.indexOf(' ') + 1))
    },
    exec: async (script) => {
      const result = await cri.call('ExecSync', { containerId: id, cmd: ['sh', '-c', script], timeout: 20 })
      return { ...result, stdout: result.stdout.toString(), stderr: result.stderr.toString() }
    },
    ended: () =>
      until(`the end of container ${id}`, async () => {
        const status = await statusOf(cri, id)
        return status.state === 'CONTAINER_EXITED' ? status : undefined
      }),
  }
}

async function runPod(cri: Cri, directory: string, change: Partial<PodConfig>): Promise<Pod> {
  const name = `pod${++count}`
  const config: PodConfig = {
    metadata: { name, uid: `uid-${name}`, namespace: 'default' },
    hostname: name,
    logDirectory: `${directory}/logs/${name}`,
    annotations: { 'example.org/key': 'välue' },
    ...change,
    linux: {
      cgroupParent: DRIVER === 'systemd' ? '/kubepods.slice' : '/kubepods',
      ...change.linux,
      securityContext: {
        namespaceOptions: { pid: 'CONTAINER' },
        seccomp: { profileType: 'RuntimeDefault' },
        ...change.linux?.securityContext,
      },
    },
  }
  mkdirSync(`${directory}/logs/${name}`, { recursive: true })
  const { podSandboxId: id } = await cri.call('RunPodSandbox', { config, runtimeHandler: handler() })
  const create = async (what: string | Partial<ContainerConfig>) => {
    const container = `c${++count}`
    const more = typeof what === 'string' ? { command: ['sh', '-c', what] } : what
    const { containerId } = await cri.call('CreateContainer', {
      podSandboxId: id,
      sandboxConfig: config,
      config: {
        metadata: { name: container },
        image: { image: 'docker.io/library/busybox:latest' },
        command: ['sh', '-c', SLEEP],
        logPath: `${container}.log`,
        ...more,
        linux: {
          ...more.linux,
          securityContext: {
            namespaceOptions: config.linux?.securityContext?.namespaceOptions ?? {},
            ...more.linux?.securityContext,
          },
        },
      },
    })
    return containerOf({ cri }, containerId, `${config.logDirectory}/${more.logPath ?? `${container}.log`}`)
  }
  const start = async (what: string | Partial<ContainerConfig>) => {
    const container = await create(what)
    await cri.call('StartContainer', { containerId: container.id })
    return container
  }
  return {
    id,
    config,
    pid: async () => pidIn((await cri.call('PodSandboxStatus', { podSandboxId: id, verbose: true })).info),
    create,
    start,
    secured: (securityContext, script = SLEEP) => start({ command: ['sh', '-c', script], linux: { securityContext } }),
  }
}

/** A network that is on the engine's host only. */
const network = (directory: string) => ({
  cniVersion: '1.0.0',
  name: 'pods',
  plugins: [
    {
      type: 'bridge',
      bridge: 'pods0',
      isGateway: true,
      ipam: { type: 'host-local', dataDir: `${directory}/ipam`, ranges: [[{ subnet: '172.31.240.0/24' }]] },
    },
  ],
})

/** Starts containerd and connects to its CRI. The one who starts it closes it. */
export async function startPods(): Promise<Pods> {
  const containerd = await startContainerd()
  const { directory } = containerd.host
  writeFileSync(`${directory}/cni/10-pods.conflist`, JSON.stringify(network(directory)))
  const cri = connectCri(containerd.socket)
  // Until it has looked at what there is, every call is refused.
  const ready = () =>
    until(
      'the network to be ready',
      async () =>
        (await cri.call('Status', {}).catch(() => undefined))?.status.conditions.every(({ status }) => status),
      30_000,
    )
  const close = async () => {
    cri.close()
    await containerd.close()
  }
  try {
    await ready()
  } catch (error) {
    await close()
    throw error
  }
  const clear = async () => {
    for (const { id } of (await cri.call('ListPodSandbox', {})).items) {
      await cri.call('StopPodSandbox', { podSandboxId: id })
      await cri.call('RemovePodSandbox', { podSandboxId: id })
    }
  }
  // The first pod makes what stays for the next: the bridge, parents of cgroups.
  await (await runPod(cri, directory, {})).start('true')
  await clear()
  const before = await remains(containerd)
  return {
    containerd,
    cri,
    pod: (change = {}) => runPod(cri, directory, change),
    again: async () => {
      await containerd.again()
      await ready()
    },
    clear,
    left: (expected = []) => leftSinceThen(containerd, before, expected),
    close,
  }
}
