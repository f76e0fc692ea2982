/** The global flags: those before the verb. */
import type { OptionTable, OptionValues } from './option.ts'

export const GLOBALS = {
  root: { type: 'string', value: 'DIR', description: 'directory for the state of containers, best on a tmpfs' },
  log: {
    type: 'string',
    value: 'FILE',
    description: 'append log lines to this file (default: stderr)',
  },
  'log-format': {
    type: 'string',
    choices: ['text', 'json'],
    default: 'text',
    description: 'how log lines are written',
  },
  // crun's and youki's
  'log-level': {
    type: 'string',
    choices: ['error', 'warning', 'info', 'debug'],
    description: 'log nothing less important (default: info)',
  },
  debug: { type: 'boolean', description: 'the same as --log-level debug' },
  'systemd-cgroup': {
    type: 'boolean',
    description: 'let systemd make the cgroup; cgroupsPath is then "slice:prefix:name"',
  },
  // crun's
  'cgroup-manager': {
    type: 'string',
    choices: ['cgroupfs', 'systemd', 'disabled'],
    description: 'who makes the cgroup; disabled: nobody, the container stays in that of the caller',
  },
  rootless: {
    type: 'string',
    choices: ['true', 'false', 'auto'],
    default: 'auto',
    description: 'carry on when cgroups may not be written; auto: if the caller has no privilege',
  },
  // runc took it until 1.4, and go-runc still passes it
  criu: { type: 'string', hidden: true, description: 'ignored: criu is taken from where the system keeps it' },
  version: { type: 'boolean', alias: 'v', description: 'print the version' },
  help: { type: 'boolean', alias: 'h', description: 'print this help' },
} as const satisfies OptionTable

export type GlobalOptions = OptionValues<typeof GLOBALS>
