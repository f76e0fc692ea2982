/**
 * THE table of commands: verbs with their flags and positionals, as data; the flags before the verb are in globals.ts.
 * The fast parser (parse.ts), help and usage errors (yargs.ts), completion and the types of what the verbs are given all
 * come from it; a verb is added here.
 *
 * Names are runc's, so that engines need not care which runtime they call; what is crun's alone says so.
 */
import type { GlobalOptions } from './globals.ts'
import type { OptionValues, PositionalValues, VerbSpec } from './option.ts'
import { CHECKPOINT, RESTORE } from './table_checkpoint.ts'
import { EXEC } from './table_exec.ts'
import { BUNDLE, CREATION, ID, NEW_ID, REGEX } from './table_shared.ts'
import { UPDATE } from './table_update.ts'

export type Verbs = Readonly<Record<string, VerbSpec>>

/** Keeps the types of what is written. */
const spec = <const V extends VerbSpec>(verb: V): V => verb

/** Each is made when it is asked for: a command line asks for one, and making all costs more than to parse it. */
export const VERBS = {
  get create() {
    return spec({
      summary: 'make a container, ready to be started',
      positionals: [NEW_ID],
      options: {
        ...CREATION,
        // crun takes it here too, and ignores it
        'no-subreaper': { type: 'boolean', hidden: true, description: 'ignored' },
      },
    })
  },
  get start() {
    return spec({ summary: "start the user's process of a created container", positionals: [ID], options: {} })
  },
  get run() {
    return spec({
      summary: 'make a container and start it',
      positionals: [NEW_ID],
      options: {
        ...CREATION,
        detach: { type: 'boolean', alias: 'd', description: 'do not wait for the container to end' },
        keep: { type: 'boolean', description: 'do not delete the container when it has ended' },
        'no-subreaper': { type: 'boolean', description: 'do not become the parent of orphans of the container' },
      },
    })
  },
  get exec() {
    return spec({
      summary: 'run another process in a container',
      positionals: [ID],
      rest: true,
      // An engine must be able to tell davit's failure from the command's.
      failure: 255,
      options: EXEC,
    })
  },
  get state() {
    return spec({ summary: 'print the state of a container as JSON', positionals: [ID], options: {} })
  },
  get kill() {
    return spec({
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
    })
  },
  get delete() {
    return spec({
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
    })
  },
  get pause() {
    return spec({ summary: 'suspend all processes of a container', positionals: [ID], options: {} })
  },
  get resume() {
    return spec({ summary: 'let a paused container go on', positionals: [ID], options: {} })
  },
  get ps() {
    return spec({
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
    })
  },
  get update() {
    return spec({
      summary: 'change the resource limits of a container',
      positionals: [ID],
      options: UPDATE,
    })
  },
  get events() {
    return spec({
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
    })
  },
  get checkpoint() {
    return spec({
      summary: 'save a running container with all that is in its memory',
      positionals: [ID],
      options: CHECKPOINT,
    })
  },
  get restore() {
    return spec({ summary: 'make a container from what checkpoint has saved', positionals: [NEW_ID], options: RESTORE })
  },
  get mounts() {
    return spec({
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
    })
  },
  get list() {
    return spec({
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
    })
  },
  get spec() {
    return spec({
      summary: 'write a config.json to start from',
      positionals: [],
      options: {
        bundle: BUNDLE,
        // crun's
        file: { type: 'string', value: 'FILE', alias: 'f', description: 'write this file instead of config.json' },
        rootless: { type: 'boolean', description: 'for a container of the calling user, without privilege' },
      },
    })
  },
  get features() {
    return spec({ summary: 'print as JSON what davit can do', positionals: [], options: {} })
  },
  get plan() {
    return spec({
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
    })
  },
  get validate() {
    return spec({
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
    })
  },
  get completion() {
    return spec({
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
    })
  },
  // For the scripts.
  get __complete() {
    return spec({
      summary: 'print what may stand in the place of the last word',
      positionals: [],
      options: {},
      hidden: true,
      rest: true,
    })
  },
} satisfies Verbs

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
