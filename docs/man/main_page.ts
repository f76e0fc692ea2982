/** The prose of davit(8). */
import type { Page } from './page.ts'

interface Main extends Omit<Page, 'exit'> {
  readonly globals: string
  readonly exit: NonNullable<Page['exit']>
  readonly environment: readonly (readonly [name: string, meaning: string])[]
}

export const MAIN: Main = {
  description: [
    '`davit` runs containers as the Open Container Initiative specifies them: it takes a bundle, a directory with a root file system and a `config.json` that says what the container is to have, and makes namespaces, cgroups, mounts and a process of it. It is what runs below engines such as Docker, containerd and Podman; commands, flags, output and exit statuses are those of runc(8), and in parts of crun(1).',
    'A configuration is checked as a whole before anything is made. What is wrong with it is told with its place, a JSON pointer such as `/mounts/2/source`. Nothing that is asked for is silently left out: what davit, the kernel or the machine cannot do is refused. After a failure nothing is left.',
    'Annotations of the configuration are passed on to hooks and to whoever asks for the state. These of crun(1) change what is done: `run.oci.delegate-cgroup`, `run.oci.hooks.stdout`, `run.oci.hooks.stderr`, `run.oci.keep_original_groups`, `run.oci.mount_context_type`, `run.oci.pidfd_receiver`, `run.oci.seccomp.receiver`, `run.oci.seccomp_bpf_data`, `run.oci.seccomp_fail_unknown_syscall`, `run.oci.systemd.subgroup`; `davit features` lists all that matter. Hooks in the container, too, can shorten the files that `run.oci.hooks.stdout` and `run.oci.hooks.stderr` name: give them files of their own. A cgroup that `run.oci.delegate-cgroup` names is made below the one with the limits, for the container to rule; `run.oci.systemd.subgroup` names one between that and the unit of systemd.',
  ],
  globals:
    'They stand before the command. A flag can be written `--name value` or `--name=value`, with one dash or two.',
  exit: [
    ['0', 'Success.'],
    ['1', 'It failed; one line on standard error, and in the log, says why.'],
    ['2', 'The same for `validate`, whose 1 is for a bundle with errors.'],
    ['255', 'The same for `exec`, so that it can be told from the status of the command.'],
    [
      'other',
      '`run` and `exec` without `--detach` end as the process did: with its status, or 128 and the number of the signal that killed it.',
    ],
  ],
  environment: [
    [
      'XDG_RUNTIME_DIR',
      'For a caller that is not root, and for root of a user namespace whose `USER` is another, the state is in `davit` below this directory. An empty value counts as none.',
    ],
    [
      'NOTIFY_SOCKET',
      'The container gets a socket of its own for sd_notify(3); that it is ready is passed on to this one.',
    ],
    [
      'LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES',
      'Sockets that a service manager has opened for davit, as sd_listen_fds(3) describes, are handed on to the container.',
    ],
    ['NO_COLOR', 'No colours in the help.'],
  ],
  files: [
    ['/run/davit', 'The state of containers, a directory each, where `--root` does not say otherwise.'],
    ['config.json', 'The configuration of a container, in its bundle.'],
    [
      '/usr/libexec/davit',
      'What belongs to the program: found beside it, or in libexec next to the bin or sbin that it is in.',
    ],
  ],
  examples: [
    {
      text: 'A container of one static program, from nothing:',
      lines: [
        'mkdir -p bundle/rootfs/bin bundle/rootfs/proc && cd bundle',
        'cp /bin/busybox rootfs/bin/sh',
        'davit spec',
        'davit run hello',
      ],
    },
    {
      text: 'The same in steps, as engines do it, without a terminal:',
      lines: [
        'davit create --bundle . hello',
        'davit start hello',
        'davit state hello',
        'davit kill hello TERM',
        'davit delete hello',
      ],
    },
    { text: 'What would be done, without doing it:', lines: ['davit plan --bundle .'] },
  ],
  related: [
    'run',
    'create',
    'exec',
    { name: 'runc', section: 8 },
    { name: 'crun', section: 1 },
    { name: 'namespaces', section: 7 },
    { name: 'cgroups', section: 7 },
  ],
}
