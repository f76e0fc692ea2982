/**
 * THE table of commands: verbs with their flags and positionals, as data; the flags before the verb are in globals.ts.
 * The fast parser (parse.ts), help and usage errors (yargs.ts), completion and the types of what the verbs are given all
 * come from it; a verb is added here.
 *
 * Names are runc's, so that engines need not care which runtime they call; what is crun's alone says so.
 */
import type { GlobalOptions } from './globals.ts'
import type { OptionTable, OptionValues, PositionalSpec, PositionalValues, VerbSpec } from './option.ts'
import { EXEC } from './table_exec.ts'
import { UPDATE } from './table_update.ts'

/** Of a container to be made. */
const NEW_ID = {
  name: 'id',
  required: true,
  description: 'the name of the container: letters, digits, _ + - and, after the first character, dots',
} as const satisfies PositionalSpec

/** Of one that is there. */
const ID = { ...NEW_ID, value: 'CONTAINER', description: 'the name of the container' } as const satisfies PositionalSpec

const BUNDLE = {
  type: 'string',
  value: 'DIR',
  alias: 'b',
  description: 'the bundle: the directory with config.json (default: the current directory)',
} as const satisfies OptionTable[string]

const REGEX = {
  type: 'boolean',
  alias: 'r',
  description: 'the id is a regular expression: all containers whose ids match',
} as const satisfies OptionTable[string]

/** Flags of both create and run. */
const CREATION = {
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

export type Verbs = Readonly<Record<string, VerbSpec>>

export const VERBS = {
  create: {
    summary: 'make a container, ready to be started',
    positionals: [NEW_ID],
    options: {
      ...CREATION,
      // crun takes it here too, and ignores it
      'no-subreaper': { type: 'boolean', hidden: true, description: 'ignored' },
    },
  },
  start: { summary: "start the user's process of a created container", positionals: [ID], options: {} },
  run: {
    summary: 'make a container and start it',
    positionals: [NEW_ID],
    options: {
      ...CREATION,
      detach: { type: 'boolean', alias: 'd', description: 'do not wait for the container to end' },
      keep: { type: 'boolean', description: 'do not delete the container when it has ended' },
      'no-subreaper': { type: 'boolean', description: 'do not become the parent of orphans of the container' },
    },
  },
  exec: {
    summary: 'run another process in a container',
    positionals: [ID],
    rest: true,
    // An engine must be able to tell davit's failure from the command's.
    failure: 255,
    options: EXEC,
  },
  state: { summary: 'print the state of a container as JSON', positionals: [ID], options: {} },
  kill: {
    summary: 'send a signal to a container',
    positionals: [
      ID,
      {
        name: 'signal',
        value: 'SIGNAL',
        required: false,
        default: 'SIGTERM',
        description: 'name, with or without SIG, or number',
      },
    ],
    options: {
      all: { type: 'boolean', alias: 'a', description: 'signal every process of the container, not only the first' },
      // crun's
      regex: REGEX,
    },
  },
  delete: {
    summary: 'delete what is left of a stopped container',
    positionals: [ID],
    options: {
      force: {
        type: 'boolean',
        alias: 'f',
        description: 'kill the container if it runs; no error if there is no such container',
      },
      // crun's
      regex: REGEX,
    },
  },
  pause: { summary: 'suspend all processes of a container', positionals: [ID], options: {} },
  resume: { summary: 'let a paused container go on', positionals: [ID], options: {} },
  ps: {
    summary: 'list the processes of a container',
    positionals: [ID],
    options: {
      format: {
        type: 'string',
        alias: 'f',
        choices: ['table', 'json'],
        default: 'table',
        description: 'what ps(1) of the host prints of them, or their process ids',
      },
    },
    rest: true,
    details: 'What follows the id are arguments for ps(1), for example "-o pid,args" (default: -ef).',
  },
  update: {
    summary: 'change the resource limits of a container',
    positionals: [ID],
    options: UPDATE,
  },
  events: {
    summary: 'tell what a container uses, and when it runs out of memory, as JSON lines',
    positionals: [ID],
    options: {
      interval: {
        type: 'string',
        value: 'TIME',
        default: '5s',
        description: 'time between the numbers, such as 500ms or 1m30s',
      },
      stats: { type: 'boolean', description: 'print the numbers once and end' },
    },
  },
  mounts: {
    summary: 'add mounts to a running container, or remove them',
    positionals: [
      { name: 'action', required: true, choices: ['add', 'remove'], description: 'what to do' },
      ID,
      {
        name: 'file',
        required: true,
        value: 'FILE',
        description: 'a JSON array of mounts as in config.json, - for stdin; to remove them, only destination counts',
      },
    ],
    options: {},
  },
  list: {
    summary: 'list the containers below the root',
    positionals: [],
    options: {
      format: {
        type: 'string',
        alias: 'f',
        choices: ['table', 'json'],
        default: 'table',
        description: 'how to print them',
      },
      quiet: { type: 'boolean', alias: 'q', description: 'print the ids only' },
    },
  },
  spec: {
    summary: 'write a config.json to start from',
    positionals: [],
    options: {
      bundle: BUNDLE,
      // crun's
      file: { type: 'string', value: 'FILE', alias: 'f', description: 'write this file instead of config.json' },
      rootless: { type: 'boolean', description: 'for a container of the calling user, without privilege' },
    },
  },
  features: { summary: 'print as JSON what davit can do', positionals: [], options: {} },
  plan: {
    summary: 'print the steps that would make a container, and do nothing',
    positionals: [{ name: 'id', required: false, default: 'plan', description: NEW_ID.description }],
    options: {
      bundle: BUNDLE,
      config: CREATION.config,
      format: {
        type: 'string',
        choices: ['text', 'json'],
        default: 'text',
        description: 'how to print them',
      },
    },
  },
  validate: {
    summary: 'tell everything that is wrong with a bundle, and do nothing',
    positionals: [],
    // 1 says that the bundle is bad: a script must be able to tell that from a mistake of its own.
    failure: 2,
    usage: 2,
    options: {
      bundle: BUNDLE,
      config: CREATION.config,
      format: {
        type: 'string',
        choices: ['text', 'json'],
        default: 'text',
        description: 'how to print what was found',
      },
      strict: { type: 'boolean', description: 'take warnings for errors when it comes to the exit status' },
    },
  },
  completion: {
    summary: 'print a script that lets a shell complete command lines',
    positionals: [
      {
        name: 'shell',
        required: false,
        default: 'bash',
        choices: ['bash', 'zsh', 'fish'],
        description: 'whose language the script is in',
      },
    ],
    options: {},
  },
  // For the scripts.
  __complete: {
    summary: 'print what may stand in the place of the last word',
    positionals: [],
    options: {},
    hidden: true,
    rest: true,
  },
} as const satisfies Verbs

export type VerbName = keyof typeof VERBS

/** A parsed command line of one verb, for example `CommandOf<'kill'>`. */
export interface CommandOf<V extends VerbName> {
  readonly kind: 'command'
  readonly verb: V
  readonly global: GlobalOptions
  /** By long name: `options['pid-file']`. */
  readonly options: OptionValues<(typeof VERBS)[V]['options']>
  readonly positionals: PositionalValues<(typeof VERBS)[V]['positionals']>
  /** What follows the positionals; always empty for a verb without `rest`. */
  readonly rest: readonly string[]
}

/** A parsed command line; switching on `verb` gives the types of its options and positionals. */
export type Command = { readonly [V in VerbName]: CommandOf<V> }[VerbName]
