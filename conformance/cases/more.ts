/** The groups of cases beyond the basic operations. */
import type { Case } from '../suite.ts'
import { CGROUP_CHECKS } from './cgroup_checks.ts'
import { CGROUP_PATHS } from './cgroup_paths.ts'
import { CGROUPS } from './cgroups.ts'
import { CHECKPOINTS } from './checkpoint.ts'
import { COMMAND_LINE } from './command_line.ts'
import { EXEC } from './exec.ts'
import { FEATURES_MORE } from './features_more.ts'
import { FILESYSTEM } from './filesystem.ts'
import { HOOKS_MORE } from './hooks_more.ts'
import { HOOKS_PATH } from './hooks_path.ts'
import { HOOKS_WRONG } from './hooks_wrong.ts'
import { IDMAP } from './idmap.ts'
import { INTEL_RDT_CASES } from './intel_rdt.ts'
import { LIFECYCLE } from './lifecycle.ts'
import { LOAD } from './load.ts'
import { MOUNT_ATTRIBUTES } from './mount_attributes.ts'
import { NAMESPACES } from './namespaces.ts'
import { NET_DEVICES } from './net_devices.ts'
import { PRESERVE_FDS } from './preserve_fds.ts'
import { PROCESS_MORE } from './process_more.ts'
import { SECCOMP_DETAIL } from './seccomp.ts'
import { SECCOMP_NOTIFY } from './seccomp_notify.ts'
import { SECURITY_EXEC } from './security_exec.ts'
import { SECURITY_INPUT } from './security_input.ts'
import { SECURITY_PROCESS } from './security_process.ts'
import { SECURITY_ROOTFS } from './security_rootfs.ts'
import { STATE_MORE } from './state.ts'
import { STATE_SCHEMA } from './state_schema.ts'
import { SYSTEMD } from './systemd.ts'
import { TERMINAL } from './terminal.ts'
import { UPDATES } from './update.ts'

export const MORE: Readonly<Record<string, readonly Case[]>> = {
  lifecycle: LIFECYCLE,
  state: [...STATE_MORE, ...STATE_SCHEMA],
  'hooks-detail': [...HOOKS_MORE, ...HOOKS_WRONG, ...HOOKS_PATH],
  namespaces: NAMESPACES,
  cgroups: [...CGROUPS, ...CGROUP_PATHS, ...CGROUP_CHECKS],
  'process-detail': PROCESS_MORE,
  exec: EXEC,
  update: UPDATES,
  terminal: TERMINAL,
  'command-line': COMMAND_LINE,
  'mount-attributes': MOUNT_ATTRIBUTES,
  idmap: IDMAP,
  'network-devices': NET_DEVICES,
  filesystem: FILESYSTEM,
  seccomp: [...SECCOMP_DETAIL, ...SECCOMP_NOTIFY],
  'intel-rdt': INTEL_RDT_CASES,
  'features-detail': FEATURES_MORE,
  'preserve-fds': PRESERVE_FDS,
  checkpoint: CHECKPOINTS,
  systemd: SYSTEMD,
  load: LOAD,
  security: [...SECURITY_ROOTFS, ...SECURITY_PROCESS, ...SECURITY_INPUT, ...SECURITY_EXEC],
}
