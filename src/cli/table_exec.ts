/** The flags of exec: a part of the command table. */
import type { OptionTable } from './option.ts'

export const EXEC = {
  process: {
    type: 'string',
    value: 'FILE',
    alias: 'p',
    description: 'read the process from this file, in the form that it has in config.json; no flag changes it',
  },
  detach: { type: 'boolean', alias: 'd', description: 'do not wait for the process to end' },
  'pid-file': { type: 'string', value: 'FILE', description: 'write the process id to this file' },
  'console-socket': {
    type: 'string',
    value: 'SOCKET',
    description: 'send the terminal to the AF_UNIX socket at this path',
  },
  'pidfd-socket': {
    type: 'string',
    value: 'SOCKET',
    description: 'send a pidfd of the process to the AF_UNIX socket at this path',
  },
  'preserve-fds': {
    type: 'number',
    value: 'N',
    default: 0,
    min: 0,
    description: 'how many file descriptors, from 3, to hand on to the process',
  },
  cgroup: {
    type: 'array',
    value: 'PATH',
    description: "run in this cgroup below the container's: [controller[,controller...]:]path",
  },
  'ignore-paused': { type: 'boolean', description: 'enter a paused container; the process waits until it goes on' },
  tty: { type: 'boolean', alias: 't', description: 'give the process a terminal' },
  cwd: { type: 'string', value: 'PATH', description: 'working directory in the container' },
  env: {
    type: 'array',
    value: 'NAME=VALUE',
    alias: 'e',
    description: 'NAME=value, added to the environment of the container',
  },
  user: {
    type: 'string',
    value: 'USER',
    alias: 'u',
    description: 'user[:group], numbers or names of /etc/passwd and /etc/group in the container',
  },
  'additional-gids': {
    type: 'array',
    value: 'GID',
    alias: 'g',
    description: 'one more group of the process, a number',
  },
  cap: { type: 'array', value: 'CAPABILITY', alias: 'c', description: 'one more capability, but not to be inherited' },
  'no-new-privs': { type: 'boolean', description: 'no program it executes gains privileges' },
  'process-label': { type: 'string', value: 'LABEL', description: 'SELinux label of the process' },
  apparmor: { type: 'string', value: 'PROFILE', description: 'AppArmor profile of the process' },
} as const satisfies OptionTable
