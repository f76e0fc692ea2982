/** All of them, by the file and the name that a test gives them. */
import { CGROUPS, CGROUPS_NETWORK, CGROUPS_V2 } from './cgroups.ts'
import { COMMAND_LINE, FEATURES, PRESERVE, TERMINAL } from './command_line.ts'
import { CHECKPOINT, SYSTEMD, SYSTEMD_LEFT } from './elsewhere.ts'
import { EXEC, EXEC_NAKED } from './exec.ts'
import type { Faulty } from './faulty.ts'
import { HOOKS, HOOKS_DETAIL } from './hooks.ts'
import { INTEL_RDT } from './intel_rdt.ts'
import { LIFECYCLE } from './lifecycle.ts'
import { LINUX } from './linux.ts'
import { MOUNTS } from './mounts.ts'
import { NAMESPACES } from './namespaces.ts'
import { OPERATIONS } from './operations.ts'
import { PROCESS, PROCESS_DETAIL } from './process.ts'
import { SECCOMP } from './seccomp.ts'
import { SECURITY } from './security.ts'
import { STATE, STATE_ALWAYS } from './state.ts'
import { UPDATE } from './update.ts'

export const FAULTY: Readonly<Record<string, Faulty>> = {
  'what create, start, kill and delete do': OPERATIONS,
  lifecycles: LIFECYCLE,
  'words, logs and exit codes': COMMAND_LINE,
  states: STATE,
  'what every state says': STATE_ALWAYS,
  'namespaces, devices and names': LINUX,
  'namespaces in detail': NAMESPACES,
  mounts: MOUNTS,
  processes: PROCESS,
  'processes in detail': PROCESS_DETAIL,
  terminals: TERMINAL,
  'descriptors that are kept': PRESERVE,
  features: FEATURES,
  hooks: HOOKS,
  'hooks in detail': HOOKS_DETAIL,
  exec: EXEC,
  'exec, of which next to nothing is done': EXEC_NAKED,
  cgroups: CGROUPS,
  'cgroups of v2': CGROUPS_V2,
  'cgroups of the network': CGROUPS_NETWORK,
  'cgroups of systemd': SYSTEMD,
  'units that stay': SYSTEMD_LEFT,
  checkpoints: CHECKPOINT,
  'classes of resctrl': INTEL_RDT,
  updates: UPDATE,
  'seccomp filters': SECCOMP,
  'what protects the host': SECURITY,
}
