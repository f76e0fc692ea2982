/** The prose on commands for containers that are there, and on those that need none. */
import type { Page } from './page.ts'

export const OTHER_PAGES = {
  pause: {
    description: [
      'Suspends every process of a container, by the freezer of its cgroup. A pause that cannot be completed is taken back.',
    ],
    examples: [{ text: 'For a moment:', lines: ['davit pause web', 'davit resume web'] }],
    related: ['resume', 'state'],
  },
  resume: {
    description: ['Lets the processes of a paused container go on.'],
    examples: [{ text: 'Go on:', lines: ['davit resume web'] }],
    related: ['pause', 'state'],
  },
  ps: {
    description: [
      'Lists the processes of a container with the `ps(1)` of the host: its lines, only those of the container. With `--format json` it is a list of process ids as the host sees them.',
    ],
    examples: [
      { text: 'All there is to say of each:', lines: ['davit ps web'] },
      { text: 'Some columns; they need pid among them:', lines: ['davit ps web -o pid,rss,args'] },
    ],
    related: ['events', 'exec', { name: 'ps', section: 1 }],
  },
  update: {
    description: [
      'Changes the limits of a container, all that is asked for or nothing. A limit that is not named stays as it is; so does one that is 0 in the JSON of `--resources`, where engines write 0 for "leave it alone".',
      'With `--resources` the other flags have no meaning.',
    ],
    examples: [
      {
        text: 'Half a gigabyte of memory and one and a half CPUs:',
        lines: ['davit update --memory 512m --cpu-period 100000 --cpu-quota 150000 web'],
      },
      { text: 'From JSON:', lines: [`echo '{"pids":{"limit":100}}' | davit update --resources - web`] },
    ],
    related: ['events', 'state', { name: 'cgroups', section: 7 }],
  },
  events: {
    description: [
      'Prints JSON, a document on each line: what the container uses, again and again, and `oom` whenever it runs out of memory. It ends when the container does.',
    ],
    examples: [
      { text: 'Once:', lines: ['davit events --stats web'] },
      { text: 'Every second:', lines: ['davit events --interval 1s web'] },
    ],
    related: ['update', 'ps'],
  },
  checkpoint: {
    description: [
      "Has `criu(8)` write all that the processes of a container are, memory and all, into the files of an image, and ends the container and deletes it, or lets it go on with `--leave-running`. A container that could not be saved goes on; the error has what is wrong of criu's log, and where that is.",
      'Not in the image: the root file system, the sources of bind mounts, network and pid namespaces that were joined by path, and what the standard streams lead to. A restore finds them in its bundle and among its own streams.',
      'The image holds what was in memory, passwords and keys included: its directory is made for root alone. Processes of a user namespace read it themselves when they are restored: where the file system of the image does not know idmapped mounts, they must be let in.',
      'criu 3.15 or newer is needed, in one of the directories where a system keeps programs. What flags do not say, `/etc/criu/davit.conf` may, or the file that the annotation `org.criu.config` names: only root may be able to write it.',
    ],
    files: [['dump.log', "criu's log, in the image or in the directory of `--work-path`."]],
    examples: [
      {
        text: 'Save, and go on later:',
        lines: [
          'davit checkpoint --image-path /var/lib/web.image web',
          'davit restore --detach --image-path /var/lib/web.image --bundle /srv/web web',
        ],
      },
      {
        text: 'Save most of the memory while the container runs, the rest in a moment:',
        lines: [
          'davit checkpoint --pre-dump --image-path /var/lib/image/1 web',
          'davit checkpoint --parent-path ../1 --image-path /var/lib/image/2 web',
        ],
      },
    ],
    related: ['restore', 'pause', { name: 'criu', section: 8 }],
  },
  restore: {
    description: [
      'Makes a container of a bundle and of an image that `davit checkpoint` has written: its processes go on where they were. It stays in the foreground until the container has ended, as `davit run` does, unless `--detach` is given.',
      'Namespaces, mounts, devices and identity come from the image, cgroups, limits and hooks from config.json, which ought to be the one that the container was made of. Standard streams that were pipes, sockets, files or terminals of the host become those of the caller; a file that is not only appended to must have the size that it had, and a container with a user namespace must be allowed to open it.',
      'After a failure nothing is left but the log.',
    ],
    files: [['restore.log', "criu's log, in the image or in the directory of `--work-path`."]],
    examples: [
      {
        text: 'In the background:',
        lines: ['davit restore --detach --image-path /var/lib/web.image --bundle /srv/web web'],
      },
    ],
    related: ['checkpoint', 'run', { name: 'criu', section: 8 }],
  },
  mounts: {
    description: [
      'Adds mounts to a container that is created, runs or is paused, or takes mounts off. The file is a JSON array of mounts as `/mounts` of config.json has them; of those to be removed only `destination` counts.',
      'All of a list is added, or nothing: when one fails, those before it are taken off again. Sources of bind mounts, devices and paths in options are those of the host, relative sources count from the bundle. Destinations are looked up inside the container and made where they are missing; directories that were made stay.',
      'A removal takes off the uppermost mount at each destination, with all that is mounted below it, at once from sight and for good when nobody uses it any more. When one of the destinations is no mount, nothing is removed.',
      'The root cannot be covered or removed, and a procfs not added.',
    ],
    examples: [
      {
        text: 'A directory of the host, read-only, and a scratch space:',
        lines: [
          'cat >more.json <<EOF',
          '[{"destination": "/data", "source": "/srv/data", "options": ["rbind", "ro"]},',
          ' {"destination": "/scratch", "type": "tmpfs", "options": ["size=64m", "nosuid"]}]',
          'EOF',
          'davit mounts add web more.json',
          'davit mounts remove web more.json',
        ],
      },
    ],
    related: ['exec', 'update', { name: 'mount', section: 8 }],
  },
  list: {
    description: ['Lists the containers below the root: as a table, as JSON, or with `--quiet` their ids only.'],
    examples: [
      {
        text: 'Delete all that have stopped:',
        lines: [
          `davit list --format json | jq -r '.[]? | select(.status == "stopped").id' | xargs -r -n1 davit delete`,
        ],
      },
    ],
    related: ['state'],
  },
  spec: {
    description: [
      'Writes a config.json to start from into the bundle; one that is there is not overwritten. With `--rootless` it is for a container of the calling user: in a user namespace, without what takes privilege.',
    ],
    files: [['config.json', 'What is written.']],
    examples: [{ text: 'For an ordinary user:', lines: ['davit spec --rootless', 'davit run mine'] }],
    related: ['run', 'plan'],
  },
  features: {
    description: [
      'Prints as JSON which namespaces, capabilities, mount options, hooks and kinds of cgroups davit knows, as the specification of runtimes defines the document. No container is looked at.',
    ],
    examples: [{ text: 'Which mount options:', lines: ["davit features | jq '.mountOptions'"] }],
    related: ['plan'],
  },
  plan: {
    description: [
      'Prints what `create` would do with a bundle, step by step: which cgroups it would make, what davit does itself and what the process in the container does, and which hooks run after `start` and `delete`, with the place in config.json that each step comes from. Nothing is done, and no privilege is needed.',
    ],
    examples: [{ text: 'Which steps a mount becomes:', lines: ["davit plan --bundle /srv/web | grep '# /mounts/3'"] }],
    related: ['create', 'spec', 'validate'],
  },
  validate: {
    description: [
      'Reads the configuration of a bundle and tells everything that is wrong with it, each with its JSON pointer, line and column, the section of the OCI runtime specification that says so, and how to mend it. Nothing is run, nothing is made, and no privilege is needed.',
      'Errors are what `create` would fail on: broken JSON, values of the wrong kind, rules between fields, a rootfs, program, hook, source of a mount or namespace that is not there. Warnings are the rest: what the specification says should be otherwise, deprecated and unknown members, system calls that libseccomp does not know, and what davit on this machine, or this user, could not do.',
      'A program is looked for in the rootfs without leaving it, as the process of the container would find it; where a mount of the configuration covers the way to it, nothing is said.',
      'As text each finding is a line FILE:LINE:COLUMN, which editors take, with a hint below it. As JSON it is an object with `bundle`, `config`, `valid` and the lists `errors` and `warnings`, whose entries have `pointer`, `message`, `rule` and, where known, `clause`, `requirement`, `hint`, `line`, `column`. The place of a missing member is that of the object it is missing in.',
    ],
    exit: [['1', 'The bundle has errors or, with `--strict`, warnings; they are on standard output.']],
    examples: [
      { text: 'Before a bundle is shipped:', lines: ['davit validate --strict --bundle /srv/web || exit'] },
      {
        text: 'Where, in a script:',
        lines: ['davit validate --format json | jq -r \'.errors[] | "\\(.line): \\(.pointer) \\(.message)"\''],
      },
    ],
    related: ['plan', 'spec', 'create'],
  },
  completion: {
    description: [
      'Prints a script that lets a shell complete the command lines of davit: commands, flags, values, ids of containers, files. The script asks davit at every key press, so it never has to be made anew. Packages install the scripts where the shells look for them.',
    ],
    files: [
      ['/usr/share/bash-completion/completions/davit', 'For bash.'],
      ['/usr/share/zsh/site-functions/_davit', 'For zsh.'],
      ['/usr/share/fish/vendor_completions.d/davit.fish', 'For fish.'],
    ],
    examples: [
      {
        text: 'In the shell that reads this, bash or zsh:',
        lines: ['source <(davit completion bash)', 'source <(davit completion zsh)'],
      },
      { text: 'fish:', lines: ['davit completion fish | source'] },
    ],
    related: [
      { name: 'bash', section: 1 },
      { name: 'zsh', section: 1 },
      { name: 'fish', section: 1 },
    ],
  },
} as const satisfies Readonly<Record<string, Page>>
