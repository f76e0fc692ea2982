/** A client of the Container Runtime Interface, with the calls that kubelet makes. The messages are in cri.proto. */
import protobuf from 'protobufjs'
import { repositoryPath } from '../../support/place.ts'
import { connectGrpc } from './grpc.ts'

type NamespaceMode = 'POD' | 'CONTAINER' | 'NODE' | 'TARGET'
interface NamespaceOption {
  readonly network?: NamespaceMode
  readonly pid?: NamespaceMode
  readonly ipc?: NamespaceMode
  readonly targetId?: string
}
interface SecurityProfile {
  readonly profileType: 'RuntimeDefault' | 'Unconfined' | 'Localhost'
  readonly localhostRef?: string
}
type Strings = Readonly<Record<string, string>>

export interface PodConfig {
  readonly metadata: {
    readonly name: string
    readonly uid: string
    readonly namespace: string
    readonly attempt?: number
  }
  readonly hostname?: string
  readonly logDirectory?: string
  readonly dnsConfig?: { readonly servers?: readonly string[]; readonly searches?: readonly string[] }
  readonly labels?: Strings
  readonly annotations?: Strings
  readonly linux?: {
    readonly cgroupParent?: string
    readonly sysctls?: Strings
    readonly securityContext?: {
      readonly namespaceOptions?: NamespaceOption
      readonly readonlyRootfs?: boolean
      readonly privileged?: boolean
      readonly seccomp?: SecurityProfile
    }
  }
}

export interface Resources {
  readonly cpuPeriod?: number
  readonly cpuQuota?: number
  readonly cpuShares?: number
  readonly memoryLimitInBytes?: number
  readonly oomScoreAdj?: number
  readonly cpusetCpus?: string
  readonly cpusetMems?: string
  readonly unified?: Strings
}

export interface SecurityContext {
  readonly capabilities?: {
    readonly addCapabilities?: readonly string[]
    readonly dropCapabilities?: readonly string[]
  }
  readonly privileged?: boolean
  readonly namespaceOptions?: NamespaceOption
  readonly runAsUser?: { readonly value: number }
  readonly runAsGroup?: { readonly value: number }
  readonly runAsUsername?: string
  readonly readonlyRootfs?: boolean
  readonly supplementalGroups?: readonly number[]
  readonly noNewPrivs?: boolean
  readonly maskedPaths?: readonly string[]
  readonly readonlyPaths?: readonly string[]
  readonly seccomp?: SecurityProfile
}

export interface ContainerConfig {
  readonly metadata: { readonly name: string; readonly attempt?: number }
  readonly image: { readonly image: string }
  readonly command?: readonly string[]
  readonly args?: readonly string[]
  readonly workingDir?: string
  readonly envs?: readonly { readonly key: string; readonly value: string }[]
  readonly mounts?: readonly {
    readonly containerPath: string
    readonly hostPath: string
    readonly readonly?: boolean
  }[]
  readonly devices?: readonly {
    readonly containerPath: string
    readonly hostPath: string
    readonly permissions: string
  }[]
  readonly annotations?: Strings
  readonly logPath?: string
  readonly stdin?: boolean
  readonly stdinOnce?: boolean
  readonly tty?: boolean
  readonly linux?: { readonly resources?: Resources; readonly securityContext?: SecurityContext }
}

interface Pod {
  readonly podSandboxId: string
}
interface Container {
  readonly containerId: string
}
interface Stats {
  readonly attributes: { readonly id: string }
  readonly cpu: { readonly usageCoreNanoSeconds: { readonly value: number } }
  readonly memory: { readonly workingSetBytes: { readonly value: number } }
}
interface Stream {
  readonly tty?: boolean
  readonly stdin?: boolean
  readonly stdout?: boolean
  readonly stderr?: boolean
}

/** Every call: what is asked, what is answered. */
interface Calls {
  Version: [Record<never, never>, { readonly runtimeName: string; readonly runtimeApiVersion: string }]
  Status: [
    Record<never, never>,
    { readonly status: { readonly conditions: readonly { readonly type: string; readonly status: boolean }[] } },
  ]
  RunPodSandbox: [{ readonly config: PodConfig; readonly runtimeHandler: string }, Pod]
  StopPodSandbox: [Pod, unknown]
  RemovePodSandbox: [Pod, unknown]
  PodSandboxStatus: [
    Pod & { readonly verbose?: boolean },
    {
      readonly status: {
        readonly state: 'SANDBOX_READY' | 'SANDBOX_NOTREADY'
        readonly network: { readonly ip: string } | null
        readonly annotations: Strings
        readonly runtimeHandler: string
      }
      readonly info: Strings
    },
  ]
  ListPodSandbox: [
    Record<never, never>,
    { readonly items: readonly { readonly id: string; readonly state: string; readonly runtimeHandler: string }[] },
  ]
  CreateContainer: [Pod & { readonly config: ContainerConfig; readonly sandboxConfig: PodConfig }, Container]
  StartContainer: [Container, unknown]
  StopContainer: [Container & { readonly timeout: number }, unknown]
  RemoveContainer: [Container, unknown]
  ListContainers: [
    Record<never, never>,
    { readonly containers: readonly { readonly id: string; readonly podSandboxId: string; readonly state: string }[] },
  ]
  ContainerStatus: [
    Container & { readonly verbose?: boolean },
    {
      readonly status: {
        readonly state: 'CONTAINER_CREATED' | 'CONTAINER_RUNNING' | 'CONTAINER_EXITED' | 'CONTAINER_UNKNOWN'
        readonly startedAt: number
        readonly finishedAt: number
        readonly exitCode: number
        readonly reason: string
        readonly message: string
        readonly logPath: string
      }
      readonly info: Strings
    },
  ]
  UpdateContainerResources: [Container & { readonly linux: Resources }, unknown]
  ReopenContainerLog: [Container, unknown]
  ExecSync: [
    Container & { readonly cmd: readonly string[]; readonly timeout?: number },
    { readonly stdout: Buffer; readonly stderr: Buffer; readonly exitCode: number },
  ]
  Exec: [Container & Stream & { readonly cmd: readonly string[] }, { readonly url: string }]
  Attach: [Container & Stream, { readonly url: string }]
  ContainerStats: [Container, { readonly stats: Stats }]
  ListContainerStats: [Record<never, never>, { readonly stats: readonly Stats[] }]
  PodSandboxStats: [
    Pod,
    {
      readonly stats: {
        readonly attributes: { readonly id: string }
        readonly linux: Pick<Stats, 'cpu' | 'memory'> & {
          readonly process: { readonly processCount: { readonly value: number } }
          readonly containers: readonly Stats[]
        }
      }
    },
  ]
}

export interface Cri {
  call<Name extends keyof Calls>(name: Name, request: Calls[Name][0]): Promise<Calls[Name][1]>
  close(): void
}

/** Connects to the runtime service on a socket. A refused call throws GrpcError. */
export function connectCri(socket: string): Cri {
  const service = protobuf
    .loadSync(repositoryPath('test/engine/support/cri.proto'))
    .lookupService('runtime.v1.RuntimeService')
  const connection = connectGrpc(socket)
  return {
    async call(name, request) {
      service.resolveAll()
      const { resolvedRequestType, resolvedResponseType } = service.methods[name] ?? {}
      if (!resolvedRequestType || !resolvedResponseType) throw new Error(`cri.proto has no ${name}`)
      const message = resolvedRequestType.encode(resolvedRequestType.fromObject(request)).finish()
      const answer = resolvedResponseType.decode(await connection.call(`runtime.v1.RuntimeService/${name}`, message))
      return resolvedResponseType.toObject(answer, {
        longs: Number,
        enums: String,
        bytes: Buffer,
        defaults: true,
      }) as never
    },
    close: connection.close,
  }
}
