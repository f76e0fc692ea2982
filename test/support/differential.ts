/** Runs one bundle under a runtime and looks at the container. */
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { bundle, type Config, makeRootfs } from './bundle.ts'
import { compiled } from './compiled.ts'
import type { Case } from './differential_cases.ts'
import { exec, type Result } from './exec.ts'
import { cgroupsNamed } from './leaks.ts'
import { RUNTIME } from './place.ts'
import { probePath, receiveConsole } from './probe.ts'
import { commandPath } from './requires.ts'
import { stateRoot } from './runtime.ts'
import { atEnd, scratch } from './scratch.ts'
import { cgroupView, parseView, type View } from './view.ts'
import { until } from './wait.ts'

export type Peer = 'runc' | 'crun'

/** A runtime, and where it runs: crun refuses a machine with v2 beside v1, so v2 is covered there for it and its rival. */
interface Contestant {
  readonly path: string
  readonly root: string
  readonly covered: boolean
  /** Global flags. */
  readonly flags?: readonly string[]
}

/** The two that are compared, each in the same surroundings, and with the same global flags. */
export function contestants(
  peer: Peer,
  flags: readonly string[] = [],
): readonly [davit: Contestant, other: Contestant] {
  const covered = peer === 'crun' && /^\S+ \S+ cgroup /m.test(readFileSync('/proc/mounts', 'utf8'))
  const path = commandPath(peer) as string
  return [
    { path: RUNTIME, root: stateRoot(), covered, flags },
    { path, root: `${scratch()}/${peer}`, covered, flags },
  ]
}

/** What the peers inherit and davit does not, or the other way round, is the same wherever the tests run. */
const SAME = [
  ...['taskset', '--cpu-list', readFileSync('/sys/devices/system/cpu/online', 'utf8').trim()],
  ...['setpriv', '--inh-caps=-all', '--ambient-caps=-all', '--clear-groups'],
  ...['prlimit', '--core=0', '--nofile=16384:16384'],
  ...['choom', '--adjust=0', '--'],
]

/** Runs a command line of the runtime in its surroundings. */
async function call(
  of: Contestant,
  args: readonly string[],
  wrap: readonly string[],
  output?: string,
): Promise<Result> {
  const unified = /^\S+ (\S+) cgroup2 /m.exec(readFileSync('/proc/mounts', 'utf8'))?.[1]
  const cover = of.covered && unified ? `mount -t tmpfs none ${unified} && ` : ''
  const line = [...wrap, of.path, '--root', of.root, ...(of.flags ?? []), ...args]
  // Input is a file: some older peers give /dev/null, the host's own, to the container's user.
  const input = `${scratch()}/input`
  writeFileSync(input, '')
  const fds = [0, 1].map(() => openSync(input, 'r'))
  const options = { env: { PATH: process.env.PATH ?? '' }, fds, ...(output ? { output } : {}) }
  const script = `umask 022 && ${cover}exec "$@" <${input}`
  const same = [...SAME, await probePath(), 'plain']
  try {
    return await exec('unshare', ['--mount', ...same, 'sh', '-c', script, 'sh', ...line], options)
  } finally {
    for (const fd of fds) closeSync(fd)
  }
}

/** The bundle of a case, the same for every runtime; `fresh` gives it a rootfs that no runtime has touched. */
export async function bundleOf(
  one: Case,
): Promise<{ id: string; path: string; config: Config; fresh: () => Promise<void> }> {
  const { id, path, rootfs, configure, config } = await bundle(() => {}, { bare: true })
  const view = await compiled('view')
  const build = async () => {
    rmSync(rootfs, { recursive: true, force: true })
    await makeRootfs(rootfs, [])
    writeFileSync(`${rootfs}/bin/view`, readFileSync(view), { mode: 0o755 })
  }
  await build()
  configure((draft) => {
    draft.process.args = ['/bin/view']
    draft.linux.cgroupsPath = `/${id}`
    // What older runtimes know.
    draft.ociVersion = '1.0.2'
  })
  const fresh = async () => {
    await build()
    const draft = structuredClone(config)
    one.change?.(draft, rootfs)
    writeFileSync(`${path}/config.json`, JSON.stringify(draft))
  }
  return { id, path, config, fresh }
}

/** What a container of this bundle is like under a runtime; "refused" is its only place where it does not start. */
export async function observe(of: Contestant, one: Case, made: Awaited<ReturnType<typeof bundleOf>>): Promise<View> {
  const { id, path, fresh } = made
  await fresh()
  mkdirSync(of.root, { recursive: true })
  const [output, pidFile] = [`${path}/output`, `${path}/pid`]
  for (const file of [output, pidFile, `${path}/tty`]) rmSync(file, { force: true })
  const terminal = JSON.parse(readFileSync(`${path}/config.json`, 'utf8')).process.terminal === true
  const console = terminal ? await receiveConsole(`${path}/tty`) : undefined
  const wrap = one.hostile ? [await probePath(), 'hostile'] : []
  const flags = [...(one.flags ?? []), ...(terminal ? ['--console-socket', `${path}/tty`] : [])]
  const end = () => call(of, ['delete', '--force', id], [])
  atEnd(async () => void (existsSync(`${of.root}/${id}`) && (await end())))
  try {
    const args = ['run', '--detach', '--bundle', path, '--pid-file', pidFile, ...flags, id]
    const { code } = await call(of, args, wrap, output)
    const said = () => (console ? console.stdout() : readFileSync(output, 'utf8'))
    if (code !== 0) return { refused: 'yes', why: said() }
    await until(`the end of ${said()}`, () => said().includes('== end'))
    const view = { ...parseView(said()), ...cgroupView(Number(readFileSync(pidFile, 'utf8'))) }
    return one.exec ? { ...view, ...(await inside(of, one.exec, id, wrap)) } : view
  } finally {
    await end()
    for (const left of cgroupsNamed(id)) if (of.path !== RUNTIME) rmdirSync(left)
    console?.child.kill('SIGKILL')
  }
}

/** The same of a process that enters. */
async function inside(of: Contestant, flags: readonly string[], id: string, wrap: readonly string[]): Promise<View> {
  const { code, stdout, stderr } = await call(of, ['exec', ...flags, id, '/bin/view', 'once'], wrap)
  if (code !== 0) return { 'exec refused': `yes: ${stderr}` }
  const seen = Object.entries(parseView(stdout)).filter(([place]) => !/^(mount|tree) /.test(place))
  return Object.fromEntries(seen.map(([place, text]) => [`exec ${place}`, text]))
}

export interface Difference {
  readonly place: string
  readonly davit: string
  readonly other: string
}

/** The order of the mounts that both have, without the runtimes' own: masks, devices, hierarchies. */
function commonOrder(view: View, ...both: readonly View[]): string {
  const paths = (view['mount order'] ?? '').split(' ').filter((path) => !/^\/(proc|sys|dev)\/./.test(path))
  return paths.filter((path) => both.every((one) => one[`mount ${path} type`])).join(' ')
}

/** Where two views differ. */
export function differences(davit: View, other: View): Difference[] {
  if (davit.refused || other.refused) {
    const told = (view: View) => view.why?.trim() ?? 'runs'
    return davit.refused && other.refused ? [] : [{ place: 'start', davit: told(davit), other: told(other) }]
  }
  const refused = [davit, other].find((view) => view['exec refused'])
  if (refused) {
    const start = (view: View) =>
      Object.fromEntries(Object.entries(view).filter(([place]) => /^(?!exec )|^exec refused/.test(place)))
    ;[davit, other] = [start(davit), start(other)]
  }
  const order = (view: View) => ({ ...view, 'mount order': commonOrder(view, davit, other) })
  ;[davit, other] = [order(davit), order(other)]
  const places = [...new Set([...Object.keys(davit), ...Object.keys(other)])]
  return places
    .map((place) => ({ place, davit: davit[place] ?? 'nothing', other: other[place] ?? 'nothing' }))
    .filter((pair) => pair.davit !== pair.other)
}
