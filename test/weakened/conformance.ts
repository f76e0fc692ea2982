/**
 * Cases of the conformance suite, by the guard of davit without which they fail: security_guards.test.ts shows that they
 * do, and that all but races pass with a build that is made in the same way and has all guards on.
 */
import type { Guard } from './guards.ts'

export const BROKEN: Readonly<Partial<Record<Guard, readonly string[]>>> = {
  'not dumpable': ['security-not-dumpable', 'security-exec-looked-into'],
  'targets inside the root': [
    ...['security-mount-target-link', 'security-mount-target-missing'],
    ...['security-mount-race-folder', 'security-mount-race-file'],
  ],
  'devices inside the root': ['security-dev-link', 'security-device-target-link'],
  'real /proc and /sys': ['security-proc-link', 'security-sys-link'],
  "the host's null device": ['security-dev-null-link'],
  'no link as console': ['security-dev-console-link'],
  'private procfs': ['security-proc-fake', 'security-proc-sys-fake'],
  'read-only root': ['security-readonly-proc-fake'],
  'no fd of the host': ['security-cwd-fd-create', 'security-cwd-fd-exec'],
  'no inheritable capability': ['security-capabilities-exec'],
  'dropped capabilities': ['security-capabilities-none'],
  'a session of its own': ['security-session'],
  'no link as /dev/ptmx': ['security-dev-ptmx-link'],
  'masks inside the root': ['security-masked-link'],
  'cwd inside the root': ['security-cwd-link'],
  'streams that are pipes': ['security-streams-owner'],
  'a umask of its own': ['security-umask'],
  'a sealed executable': ['security-executable-create'],
  'no cgroup above': ['security-exec-cgroup-climbs'],
  'whole numbers as ids': ['security-user-_582'],
  'escaped controls': ['security-control-characters'],
}
