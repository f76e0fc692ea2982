/** Flags and positionals of several verbs. */
import type { OptionTable, PositionalSpec } from './option.ts'

/** Of a container to be made. */
export const NEW_ID = {
  name: 'id',
  required: true,
  description: 'the name of the container: letters, digits, _ + - and, after the first character, dots',
} as const satisfies PositionalSpec

/** Of one that is there. */
export const ID = {
  ...NEW_ID,
  value: 'CONTAINER',
  description: 'the name of the container',
} as const satisfies PositionalSpec

export const BUNDLE = {
  type: 'string',
  value: 'DIR',
  alias: 'b',
  description: 'the bundle: the directory with config.json (default: the current directory)',
} as const satisfies OptionTable[string]

export const REGEX = {
  type: 'boolean',
  alias: 'r',
  description: 'the id is a regular expression: all containers whose ids match',
} as const satisfies OptionTable[string]

/** Flags of both create and run. */
export const CREATION = {
  bundle: BUNDLE,
  // crun's
  config: {
    type: 'string',
    value: 'FILE',
    alias: 'f',
    description: 'read this file instead of config.json of the bundle',
  },
  'pid-file': { type: 'string', value: 'FILE', description: 'write the process id of the container to this file' },
  'console-socket': {
    type: 'string',
    value: 'SOCKET',
    description: 'send the terminal to the AF_UNIX socket at this path',
  },
  'pidfd-socket': {
    type: 'string',
    value: 'SOCKET',
    description: 'send a pidfd of the container to the AF_UNIX socket at this path',
  },
  'preserve-fds': {
    type: 'number',
    value: 'N',
    default: 0,
    min: 0,
    description: 'how many file descriptors, from 3, to hand on to the container',
  },
  'no-pivot': { type: 'boolean', description: 'change the root with MS_MOVE and chroot, for a rootfs on a ramdisk' },
  'no-new-keyring': { type: 'boolean', description: 'stay in the session keyring of the caller' },
} as const satisfies OptionTable
