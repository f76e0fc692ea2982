/** The groups of cases beyond the basic operations. */
import type { Case } from '../suite.ts'
import { CGROUP_PATHS } from './cgroup_paths.ts'
import { CGROUPS } from './cgroups.ts'
import { COMMAND_LINE } from './command_line.ts'
import { EXEC } from './exec.ts'
import { HOOKS_MORE } from './hooks_more.ts'
import { LIFECYCLE } from './lifecycle.ts'
import { NAMESPACES } from './namespaces.ts'
import { PROCESS_MORE } from './process_more.ts'
import { SECURITY_INPUT } from './security_input.ts'
import { SECURITY_PROCESS } from './security_process.ts'
import { SECURITY_ROOTFS } from './security_rootfs.ts'
import { STATE_MORE } from './state.ts'
import { TERMINAL } from './terminal.ts'
import { UPDATES } from './update.ts'

export const MORE: Readonly<Record<string, readonly Case[]>> = {
  lifecycle: LIFECYCLE,
  state: STATE_MORE,
  'hooks-detail': HOOKS_MORE,
  namespaces: NAMESPACES,
  cgroups: [...CGROUPS, ...CGROUP_PATHS],
  'process-detail': PROCESS_MORE,
  exec: EXEC,
  update: UPDATES,
  terminal: TERMINAL,
  'command-line': COMMAND_LINE,
  security: [...SECURITY_ROOTFS, ...SECURITY_PROCESS, ...SECURITY_INPUT],
}
