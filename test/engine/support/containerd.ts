/** containerd on a host of its own, with the configuration that docs/engines/containerd.md gives, and its command line. */
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import type { ExecOptions, Result, Running } from '../../support/exec.ts'
import { command, type Need, requires } from '../../support/requires.ts'
import { type Daemon, startDaemon } from './daemon.ts'
import { DRIVER } from './driver.ts'
import { type Host, makeHost } from './host.ts'
import { image } from './images.ts'
import { snippets } from './page.ts'

/** Whether containerd can be tested on this machine. */
export const canContainerd = (...needs: readonly Need[]) =>
  requires('root', command('containerd'), command('ctr'), cni, ...needs)

/** The plugins that give pods a network; where Debian has them. */
const cni = { name: 'the CNI plugins', met: () => existsSync('/usr/lib/cni/bridge') }

export interface Containerd {
  readonly host: Host
  readonly daemon: Daemon
  /** The socket of its services, the CRI's among them. */
  readonly socket: string
  /** Runs a command line of `ctr` to its end. */
  exec(args: readonly string[], options?: ExecOptions): Promise<Result>
  /** A command line of `ctr` that must succeed; its output. */
  run(...args: readonly string[]): Promise<string>
  /** Starts a command line of `ctr`; `wrapper` is a program and its arguments that run it. */
  start(args: readonly string[], options?: ExecOptions, wrapper?: readonly string[]): Running
  /** Starts the daemon again after it was stopped or killed. */
  again(): Promise<void>
  /** Stops the daemon and removes the host. */
  close(): Promise<void>
}

/** What the page says of systemd is for where that makes the cgroups. */
const isMeant = (text: string) => DRIVER === 'systemd' || !text.includes('SystemdCgroup')

/** What the page says, and where everything is. */
function configuration(directory: string): string {
  return `root = "${directory}/root"
state = "${directory}/state"
# Snapshotters that are of no use here, and would only complain.
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.internal.v1.opt"]
${snippets('containerd', 'toml').filter(isMeant).join('')}
[grpc]
  address = "${directory}/s"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "docker.io/library/pause:3.9"
  stream_server_address = "127.0.0.1"
  # Where the machine's root may not lower it, no runtime can.
  restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "${directory}/cni"
`
}

/** Starts containerd, with the images busybox and pause. The one who starts it closes it. */
export async function startContainerd(): Promise<Containerd> {
  const archives = [await image('busybox:latest'), await image('pause:3.9')]
  const host = await makeHost()
  const { directory } = host
  const socket = `${directory}/s`
  const env = { CONTAINERD_ADDRESS: socket }
  mkdirSync(`${directory}/cni`)
  chmodSync(directory, 0o711) // the root of a user namespace must reach its rootfs
  writeFileSync(`${directory}/config.toml`, configuration(directory))
  const exec = (args: readonly string[], more: ExecOptions = {}) =>
    host.exec('ctr', args, { timeout: 60_000, ...more, env: { ...env, ...more.env } })
  const run = (...args: readonly string[]) => host.output('ctr', args, { env, timeout: 60_000 })
  const ready = async () => (await exec(['version'])).code === 0
  const start = () => startDaemon(host, 'containerd', ['containerd', '--config', `${directory}/config.toml`], ready)
  let daemon: Daemon | undefined
  const close = async () => {
    await daemon?.stop().catch(() => {}) // what it does not end, the host does
    await host.close()
  }
  try {
    daemon = await start()
    for (const archive of archives)
      for (const namespace of ['default', 'k8s.io']) await run('--namespace', namespace, 'images', 'import', archive)
  } catch (error) {
    await close()
    throw error
  }
  return {
    host,
    get daemon() {
      return daemon as Daemon
    },
    socket,
    exec,
    run,
    start: (args, more = {}, wrapper = []) => {
      const [file = '', ...rest] = [...wrapper, 'ctr', ...args]
      return host.start(file, rest, { timeout: 60_000, ...more, env: { ...env, ...more.env } })
    },
    again: async () => {
      daemon = await start()
    },
    close,
  }
}
