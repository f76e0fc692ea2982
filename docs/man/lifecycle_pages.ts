/** The prose on commands that make, run and end containers. */
import type { Page } from './page.ts'

const STATE_FILES = [['/run/davit/ID', 'The state of the container; with `--root`, below that.']] as const

const CONSOLE =
  'With `terminal` in its configuration the process gets a terminal of its own. Its other side is sent, as a file descriptor, to the socket of `--console-socket`; without one it is connected to the terminal of the caller, which only works as long as davit stays.'

export const LIFECYCLE_PAGES = {
  create: {
    description: [
      'Makes a container from a bundle: its namespaces, cgroups and mounts, and a process in it that waits. The program of the container is not started before `davit start`. Everything is checked and planned before the first thing is made; when `create` fails, nothing is left.',
      CONSOLE,
      'Standard input, output and error become those of the process, unless it has a terminal.',
      'When the command returns the pid file, if one was asked for, is there and complete.',
    ],
    files: STATE_FILES,
    examples: [
      {
        text: 'A container whose output goes to a file:',
        lines: ['davit create --bundle /srv/web --pid-file /run/web.pid web >/var/log/web 2>&1', 'davit start web'],
      },
    ],
    related: ['start', 'run', 'delete', 'plan'],
  },
  start: {
    description: [
      'Lets a created container go on: hooks of the kind `startContainer` run in it, then its program is executed, then hooks of the kind `poststart` run outside. The command returns when the program has been executed, and fails if that was not possible.',
      'A container can be started once.',
    ],
    examples: [{ text: 'Start what was created:', lines: ['davit start web'] }],
    related: ['create', 'state', 'kill'],
  },
  run: {
    description: [
      'Makes a container and starts it. Without `--detach` davit stays until the program ends: it passes signals on, connects the terminals, and deletes the container when it has ended, unless told to keep it.',
      CONSOLE,
    ],
    exit: [
      ['N', 'Without `--detach`: the exit status of the program.'],
      [
        '128+N',
        'Without `--detach`: the program was killed by signal N. Where the kernel has killed for want of memory, davit says at which limit.',
      ],
    ],
    files: STATE_FILES,
    examples: [
      { text: 'In the foreground:', lines: ['davit run --bundle /srv/shell shell'] },
      {
        text: 'In the background:',
        lines: ['davit run --detach --pid-file /run/web.pid --bundle /srv/web web </dev/null >/var/log/web 2>&1'],
      },
    ],
    related: ['create', 'start', 'exec', 'delete'],
  },
  exec: {
    description: [
      "Runs another process in a container that was created or runs: in all its namespaces and cgroups, with its user, capabilities, limits, seccomp filter and labels where no flag says otherwise. What follows the id is the command with its arguments; davit's own flags stand before the id.",
      'With `--process` the whole process comes from a file, in the form of `process` in config.json. What the file does not speak of is taken from the container.',
      'Names of users and groups are looked up in the container.',
    ],
    exit: [
      ['N', 'Without `--detach`: the exit status of the command.'],
      [
        '128+N',
        'Without `--detach`: the command was killed by signal N. Where the kernel has killed for want of memory, davit says at which limit.',
      ],
    ],
    examples: [
      { text: 'A shell with a terminal:', lines: ['davit exec --tty web sh'] },
      {
        text: 'As another user, in a directory:',
        lines: ['davit exec --user 1000:1000 --cwd /srv --env DEBUG=1 web ./check --all'],
      },
    ],
    related: ['run', 'ps', 'mounts'],
  },
  state: {
    description: [
      'Prints what is known of a container, and what the kernel says of it now, as JSON: `ociVersion`, `id`, `pid` (0 when it is stopped), `status`, `bundle`, `rootfs`, `created`, `annotations`, `owner`.',
      'The status is one of `creating`, `created`, `running`, `paused` and `stopped`.',
    ],
    examples: [{ text: 'Only the status:', lines: ['davit state web | jq -r .status'] }],
    related: ['list', 'ps', 'events'],
  },
  kill: {
    description: [
      'Sends a signal to the first process of a container, or with `--all` to every process of it. In a container that shares the process namespace of the host the first process does not take the others with it: then SIGKILL goes to all.',
      'A paused container gets SIGKILL at once; other signals wait until it goes on.',
    ],
    examples: [
      { text: 'Ask it to end, then make it end:', lines: ['davit kill web', 'davit kill web KILL'] },
      { text: 'By number:', lines: ['davit kill web 28'] },
    ],
    related: ['delete', 'pause', { name: 'signal', section: 7 }],
  },
  delete: {
    description: [
      'Removes what is left of a container that has stopped, or that was created and never started: its cgroups and its state. Hooks of the kind `poststop` run. With `--force` a container that runs is killed first, and one that is not there is no error.',
      'The bundle belongs to the caller and stays.',
    ],
    examples: [{ text: 'Whatever state it is in:', lines: ['davit delete --force web'] }],
    related: ['kill', 'list'],
  },
} as const satisfies Readonly<Record<string, Page>>
