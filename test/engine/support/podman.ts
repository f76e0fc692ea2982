/** Podman and Buildah on a host of their own, for root or for an ordinary user, as docs/engines/podman.md sets them up. */
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { type ExecOptions, output as must, type Result, type Running } from '../../support/exec.ts'
import { type OrdinaryUser, ordinaryUser } from '../../support/ordinary_user.ts'
import { RUNTIME } from '../../support/place.ts'
import { command, type Need, requires } from '../../support/requires.ts'
import { startManager } from '../../support/user_session.ts'
import type { ImageName } from '../images/recipes.ts'
import { DRIVER } from './driver.ts'
import { type Host, makeHost } from './host.ts'
import { image } from './images.ts'
import { leftSince, type Snapshot, snapshot } from './leftovers.ts'
import { snippets } from './page.ts'
import { onTerminal, type Terminal } from './terminal.ts'

const PROGRAMS = 'podman conmon iptables script setpriv useradd newuidmap slirp4netns'

/** Whether Podman can be tested on this machine, and what else is needed is there. */
export const canPodman = (...needs: readonly Need[]) => requires('root', ...PROGRAMS.split(' ').map(command), ...needs)

export interface Podman {
  readonly host: Host
  /** Who it belongs to; undefined: root. */
  readonly user: OrdinaryUser | undefined
  /** Runs a program as its owner to its end. */
  exec(file: string, args: readonly string[], options?: ExecOptions): Promise<Result>
  /** A command line that must succeed; its output, without the last newline. */
  output(file: string, args: readonly string[], options?: ExecOptions): Promise<string>
  /** `podman ARGS`, which must succeed. */
  run(...args: readonly string[]): Promise<string>
  /** `podman ARGS` to its end, whatever that is. */
  try(...args: readonly string[]): Promise<Result>
  /** Starts `podman ARGS`. */
  start(args: readonly string[], options?: ExecOptions): Running
  /** A line of shell on a terminal. */
  terminal(line: string, env?: Readonly<Record<string, string>>): Terminal
  /** The blocks of a language on a page, with the path of the runtime under test. */
  page(name: 'podman' | 'buildah', language: string): string[]
  /** Removes all pods and containers. */
  clear(): Promise<void>
  /** Ends all, and removes the host and the user. */
  close(): Promise<void>
}

/** What the page says, and what keeps it away from any other Podman of this machine. */
function containersConf([page = '', systemd = '']: readonly string[], directory: string, who: Owner): string {
  const own = [
    'events_logger = "file"',
    'lock_type = "file"',
    'infra_image = "localhost/pause:3.9"',
    // Podman asks for as many as the machine has, which its root may not be allowed.
    '[containers]',
    'log_driver = "k8s-file"',
    'default_ulimits = ["nofile=2048:2048", "nproc=2048:2048"]',
    '[network]',
    'network_backend = "netavark"',
    `network_config_dir = "${directory}/networks"`,
    'default_subnet = "172.31.224.0/24"',
  ]
  // A user without a session has no systemd to ask: podman build asks for it all the same.
  const set = DRIVER === 'systemd' && who !== 'user' ? page.replace(/^cgroup_manager = .*\n/m, systemd) : page
  const [engine = '', runtimes = ''] = set.split('\n[engine.runtimes]\n')
  return [engine.trimEnd(), ...own, '[engine.runtimes]', runtimes].join('\n')
}

/** Devices that udev gives to everybody, which nobody has here; and mounts that are shared, as an init system makes them. */
async function usualMachine(host: Host): Promise<void> {
  if (DRIVER === 'systemd') return // which has done it
  for (const [path, minor] of [
    ['/dev/net/tun', 200],
    ['/dev/fuse', 229],
  ] as const) {
    const own = `${host.directory}/${path.slice(5).replace('/', '-')}`
    await host.output('mknod', [own, 'c', '10', `${minor}`])
    chmodSync(own, 0o666)
    await host.output('mount', ['--bind', own, path])
  }
  await host.output('mount', ['--make-rshared', '/'])
}

/** Root; a user; a user who has logged in, so that systemd has given away a part of the cgroups. */
type Owner = 'root' | 'user' | 'session'

/**
 * An ordinary user; where systemd is, with the runtime directory that it makes: AppArmor lets pasta open namespaces below
 * that one only.
 */
async function makeUser(directory: string): Promise<OrdinaryUser> {
  const made = await ordinaryUser(directory)
  if (DRIVER !== 'systemd') return made
  const [unit, runtimeDir] = [`user-runtime-dir@${made.uid}.service`, `/run/user/${made.uid}`]
  await must('systemctl', ['start', unit], { timeout: 60_000 })
  const remove = async () => {
    await made.remove()
    await must('systemctl', ['stop', unit], { timeout: 60_000 })
  }
  return { ...made, runtimeDir, env: { ...made.env, XDG_RUNTIME_DIR: runtimeDir }, remove }
}

/** Starts nothing, as there is no daemon; loads images. The one who makes it closes it. */
export async function makePodman(images: readonly ImageName[], who: Owner = 'root'): Promise<Podman> {
  const archives = await Promise.all(images.map(image))
  const host = await makeHost()
  const { directory } = host
  chmodSync(directory, 0o711)
  const user = who === 'root' ? undefined : await makeUser(directory)
  const manager = user && who === 'session' ? await startManager(user) : undefined
  await usualMachine(host)
  const home = user?.home ?? directory
  const page: Podman['page'] = (name, language) =>
    snippets(name, language).map((text) => text.replaceAll(RUNTIME, user?.runtime ?? RUNTIME))
  for (const folder of ['conf', 'networks']) mkdirSync(`${directory}/${folder}`)
  if (user) chownSync(`${directory}/networks`, user.uid, user.gid)
  writeFileSync(`${directory}/conf/containers.conf`, containersConf(page('podman', 'toml'), directory, who))
  const runtimeDir = manager?.runtimeDir ?? user?.runtimeDir
  const storage = `graphroot = "${home}/storage"\nrunroot = "${runtimeDir ?? '/run'}/containers"\n`
  writeFileSync(`${directory}/conf/storage.conf`, `[storage]\ndriver = "overlay"\n${storage}`)
  const env = {
    CONTAINERS_CONF: `${directory}/conf/containers.conf`,
    CONTAINERS_STORAGE_CONF: `${directory}/conf/storage.conf`,
    CONTAINERS_REGISTRIES_CONF: '/dev/null',
    ...user?.env,
    ...(manager && {
      XDG_RUNTIME_DIR: manager.runtimeDir,
      DBUS_SESSION_BUS_ADDRESS: `unix:path=${manager.runtimeDir}/bus`,
    }),
    PATH: `${directory}/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
    ...(user ? {} : { USER: 'root' }),
  }
  const become = user?.become ?? ['env']
  const line = (file: string, args: readonly string[]) =>
    [become[0] as string, [...become.slice(1), file, ...args]] as const
  const settings = (more: ExecOptions): ExecOptions => ({
    timeout: 60_000,
    cwd: home,
    ...more,
    env: { ...env, ...more.env },
  })
  const exec: Podman['exec'] = (file, args, more = {}) => host.exec(...line(file, args), settings(more))
  const output: Podman['output'] = async (file, args, more = {}) =>
    (await host.output(...line(file, args), settings(more))).replace(/\n$/, '')
  const run = (...args: readonly string[]) => output('podman', args)
  const close = async () => {
    await manager?.stop()
    await host.close()
    await user?.remove()
  }
  try {
    for (const archive of archives) await run('load', '--quiet', '--input', archive)
    for (const name of images) await run('tag', `localhost/${name}`, `docker.io/library/${name}`)
  } catch (error) {
    await close()
    throw error
  }
  return {
    ...{ host, user, exec, output, run, page, close },
    try: (...args) => exec('podman', args),
    start: (args, more = {}) => host.start(...line('podman', args), settings(more)),
    terminal: (text, more = {}) => onTerminal(host, `${become.join(' ')} sh -c '${text}'`, settings({ env: more })),
    clear: async () => {
      await run('pod', 'rm', '--all', '--force', '--time', '0')
      // One that another depends on is not removed before that.
      await exec('podman', ['rm', '--all', '--force', '--time', '0'])
      await run('rm', '--all', '--force', '--time', '0')
    },
  }
}

/** The parts of `podman container inspect` that tests look at. */
export interface Inspected {
  readonly Id: string
  readonly OCIRuntime: string
  readonly RestartCount: number
  readonly State: {
    readonly Status: string
    readonly Running: boolean
    readonly Pid: number
    readonly ExitCode: number
    readonly OOMKilled: boolean
    readonly CgroupPath?: string
  }
}

export async function inspect(podman: Podman, name: string): Promise<Inspected> {
  const [found] = JSON.parse(await podman.run('container', 'inspect', name)) as Inspected[]
  return found as Inspected
}

/** Mounts and network namespaces that a user's Podman keeps where only its own processes see them. */
async function hidden(podman: Podman): Promise<string[]> {
  if (!podman.user) return []
  const mounts = await podman.run(
    'unshare',
    'sh',
    '-c',
    `cut -d' ' -f5 /proc/self/mountinfo; ls -d ${podman.user.runtimeDir}/netns/* 2>/dev/null || :`,
  )
  return mounts.split('\n').map((path) => `hidden mount ${path}`)
}

/** Containers that a runtime still knows. */
function states(podman: Podman): string[] {
  const places = [podman.host.path('/run'), ...(podman.user ? [podman.host.path(podman.user.runtimeDir)] : [])]
  return places
    .flatMap((place) => ['davit', 'runc'].map((name) => `${place}/${name}`))
    .filter((root) => existsSync(root))
    .flatMap((root) => readdirSync(root).map((id) => `state ${id}`))
}

/** What is there while nothing runs: Podman keeps some things of its first container, whatever the runtime is. */
export async function baseline(podman: Podman): Promise<Snapshot> {
  await podman.run('run', '--rm', 'busybox', 'true')
  return [...(await snapshot(podman.host)), ...(await hidden(podman))]
}

/**
 * The cgroup of a pod, in hierarchies that Podman does not know: the runtime makes it as the parent of a container's, and
 * Podman removes only what it has made. runc leaves it as well.
 */
const OF_A_POD = /^cgroup \S+\/(systemd|unified)\/libpod_parent\/[0-9a-f]{64}$/

/** What keeps a user's namespaces while none of its containers runs; it may be another one than before. */
const PAUSE = /^process \d+ catatonit -P$/

/** What is there now and was not then: processes, mounts, cgroups, links, rules, namespaces, state. */
export async function leftInPodman(podman: Podman, before: Snapshot): Promise<string[]> {
  const seen = before.filter((line) => !line.startsWith('hidden'))
  const left = await leftSince(podman.host, seen, [], [OF_A_POD, ...(podman.user ? [PAUSE] : [])])
  return [...left, ...(await hidden(podman)).filter((line) => !before.includes(line)), ...states(podman)]
}
