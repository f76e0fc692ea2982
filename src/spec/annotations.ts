/**
 * The annotations that davit acts on: crun's, see its manual, where users and engines rely on them, and runc's for
 * properties of systemd's units. All others are only passed on.
 */
import type { Spec } from './types.gen.ts'

type Annotated = Pick<Spec, 'annotations'>

export const ANNOTATION = {
  pidfdReceiver: 'run.oci.pidfd_receiver',
  /** Files of the host that hooks print to, relative ones below the bundle. */
  hooksStdout: 'run.oci.hooks.stdout',
  hooksStderr: 'run.oci.hooks.stderr',
  /** The caller's additional groups stay; Podman's keep-groups. */
  keepGroups: 'run.oci.keep_original_groups',
  /** Socket of the seccomp agent, where listenerPath names none. */
  seccompReceiver: 'run.oci.seccomp.receiver',
  /** A filter in base64, in place of linux.seccomp. */
  seccompProgram: 'run.oci.seccomp_bpf_data',
  /** System calls that libseccomp does not know are an error. */
  seccompStrict: 'run.oci.seccomp_fail_unknown_syscall',
  /** Which of SELinux's mount options linux.mountLabel is given by. */
  contextType: 'run.oci.mount_context_type',
  /** The beginning of names: what follows is the property. */
  systemdProperty: 'org.systemd.property.',
  /** A cgroup below the unit's: the container's own. */
  systemdSubgroup: 'run.oci.systemd.subgroup',
  /** A cgroup below the container's, for its processes to rule. */
  delegateCgroup: 'run.oci.delegate-cgroup',
  /** A configuration file for criu. */
  criuConfig: 'org.criu.config',
} as const

/** Its value; undefined when it is missing or empty. */
export function annotation({ annotations }: Annotated, name: string): string | undefined {
  return annotations?.[name] || undefined
}

/** Whether a switch is on: there, and not "0", as with crun. */
export function isOn(spec: Annotated, name: string): boolean {
  return spec.annotations?.[name] !== undefined && spec.annotations[name] !== '0'
}

/** All of {@link ANNOTATION}. */
export function actedOn(): string[] {
  return Object.values(ANNOTATION).sort()
}
