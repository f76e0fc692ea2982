/**
 * What `davit features` prints: the Features structure of the runtime specification 1.3 (features.md and
 * features-linux.md). It tells what davit is able to do, whatever the host can. Pure: what is implemented comes in.
 */
import { SPEC_VERSION } from './version.ts'

/** What this davit implements. A list is what config.json may name; a missing section is printed as not enabled. */
export interface FeatureInputs {
  readonly version: string
  /** Empty if unknown. */
  readonly commit: string
  /** Every mount option that is understood, without those handed to the file system. */
  readonly mountOptions: readonly string[]
  /** Namespace types as in linux.namespaces. */
  readonly namespaces: readonly string[]
  /** With CAP_. */
  readonly capabilities: readonly string[]
  readonly cgroup: {
    readonly v1: boolean
    readonly v2: boolean
    readonly systemd: boolean
    readonly systemdUser: boolean
    readonly rdma: boolean
  }
  readonly seccomp?: SeccompFeatures
  /** Version of the library that compiles filters. */
  readonly libseccomp?: string
  readonly apparmor: boolean
  readonly selinux: boolean
  readonly idmap: boolean
  readonly intelRdt: { readonly enabled: boolean; readonly schemata: boolean; readonly monitoring: boolean }
  readonly netDevices: boolean
  readonly memoryPolicy?: { readonly modes: readonly string[]; readonly flags: readonly string[] }
  /** checkpoint and restore. */
  readonly checkpoint: boolean
  /** Annotations of config.json that change what davit does; one that ends with "." is a prefix. */
  readonly unsafeAnnotations: readonly string[]
}

export interface SeccompFeatures {
  readonly actions: readonly string[]
  readonly operators: readonly string[]
  readonly archs: readonly string[]
  readonly knownFlags: readonly string[]
  /** Probed: those of knownFlags which the kernel takes. */
  readonly supportedFlags: readonly string[]
}

/** In the order in which they run. */
export const HOOK_NAMES = [
  'prestart',
  'createRuntime',
  'createContainer',
  'startContainer',
  'poststart',
  'poststop',
] as const

export function featuresDocument(inputs: FeatureInputs): object {
  return {
    // SPEC: features.md: every version between the two is accepted
    ociVersionMin: '1.0.0',
    ociVersionMax: SPEC_VERSION,
    hooks: HOOK_NAMES,
    mountOptions: sorted(inputs.mountOptions),
    linux: {
      namespaces: sorted(inputs.namespaces),
      capabilities: inputs.capabilities,
      cgroup: inputs.cgroup,
      seccomp: inputs.seccomp === undefined ? { enabled: false } : { enabled: true, ...inputs.seccomp },
      apparmor: { enabled: inputs.apparmor },
      selinux: { enabled: inputs.selinux },
      // SPEC: memoryPolicy has no "enabled": no modes means none is known
      memoryPolicy: inputs.memoryPolicy ?? { modes: [], flags: [] },
      intelRdt: inputs.intelRdt,
      mountExtensions: { idmap: { enabled: inputs.idmap } },
      netDevices: { enabled: inputs.netDevices },
    },
    annotations: annotations(inputs),
    potentiallyUnsafeConfigAnnotations: inputs.unsafeAnnotations,
  }
}

/** The text that is printed, indented as runc's. */
export function featuresText(inputs: FeatureInputs): string {
  return `${JSON.stringify(featuresDocument(inputs), null, 4)}\n`
}

/** Our own, and those of runc's which its types/features.go lets other runtimes use: engines look for them. */
function annotations({ version, commit, checkpoint, libseccomp }: FeatureInputs): Record<string, string> {
  return {
    'io.github.davit.version': version,
    ...(commit === '' ? {} : { 'io.github.davit.commit': commit }),
    'org.opencontainers.runc.checkpoint.enabled': String(checkpoint),
    ...(libseccomp === undefined ? {} : { 'io.github.seccomp.libseccomp.version': libseccomp }),
  }
}

function sorted(names: readonly string[]): string[] {
  return [...names].sort()
}
