/** `restore`: criu makes the processes of an image anew, as a container made of a bundle. */
import { RuntimeError } from '../base/errors.ts'
import { encodeJson } from '../base/json.ts'
import { absolutePath } from '../base/path.ts'
import { closeFd, openFile, readText, withFd } from '../ffi/file.ts'
import { must, sys } from '../ffi/native.ts'
import { makeCgroup } from '../host/cgroup/make.ts'
import { parseOwnCgroups } from '../host/cgroup/parse.ts'
import { runSteps } from '../host/cgroup/steps.ts'
import { inOwnMounts } from '../host/criu/own_mounts.ts'
import { protectMounts } from '../host/criu/protect_mounts.ts'
import { askCriu, checkVersion, endCriu, findCriu, type Notice, startCriu, type Worker } from '../host/criu/worker.ts'
import { gatherFacts } from '../host/facts.ts'
import { type Launched, openPidfd, processStat } from '../host/process.ts'
import { catchSignals, type Signals } from '../host/signals.ts'
import { O_RDONLY } from '../kernel/files.ts'
import { NOTIFY_STATE } from '../plan/activation.ts'
import type { UnitPlan } from '../plan/cgroup/unit.ts'
import { asked, commonOptions, type RestoreFlags } from '../plan/criu/flags.ts'
import { CGROUPS_MODE, type CriuOptions, type InheritFd, REQUEST } from '../plan/criu/model.ts'
import { externalMounts, type HostMount, hostMounts } from '../plan/criu/mounts.ts'
import { externalNamespaces, joinedByPath } from '../plan/criu/namespaces.ts'
import { STREAMS_FILE, streamFds } from '../plan/criu/streams.ts'
import type { Facts } from '../plan/facts.ts'
import { hooksOf } from '../plan/hooks.ts'
import { withClaim } from '../state/claim.ts'
import { makeStateFolder, writeStateFile } from '../state/folder.ts'
import { checkId } from '../state/ids.ts'
import { writeRecord } from '../state/store.ts'
import { chooseCgroup } from './cgroup_choice.ts'
import { checkConsole, connectConsole, giveConsole } from './console.ts'
import { usable } from './create.ts'
import { Creation } from './creation.ts'
import { configFile } from './criu_config.ts'
import { criuFailed } from './criu_failure.ts'
import {
  type CriuFolders,
  checkLog,
  closeFolders,
  type FolderOptions,
  openFolders,
  readImageFile,
  workHere,
} from './criu_folders.ts'
import { mappedImage } from './criu_image.ts'
import { openHookFiles } from './hook_files.ts'
import { runHook } from './hooks.ts'
import { type Bundle, loadBundle } from './load.ts'
import { newRecord, refuseUsedUnit } from './new_record.ts'
import { writePidFile } from './pid_file.ts'
import { programsOf } from './programs.ts'
import { prepareMountPoints } from './restore_mounts.ts'
import { checkLabel } from './restored_label.ts'
import { adoptOrphans, leave, started, stay } from './run.ts'
import type { Runtime } from './runtime.ts'
import { startUnitOf } from './start_unit.ts'
import { systemdFacts } from './units.ts'

export interface RestoreOptions extends FolderOptions {
  readonly id: string
  readonly bundle: string
  readonly detach: boolean
  readonly noSubreaper: boolean
  readonly pidFile?: string
  readonly consoleSocket?: string
  readonly flags: RestoreFlags
}

const LOG = 'restore.log'
const F_DUPFD_CLOEXEC = 1030

/** As run: the exit code of the container's process, or 0 at once when detached. */
export async function restoreContainer(runtime: Runtime, options: RestoreOptions): Promise<number> {
  const signals = options.detach ? undefined : catchSignals()
  if (!options.detach && !options.noSubreaper) adoptOrphans()
  const creation = await restored(runtime, options, signals)
  started(creation)
  return options.detach ? leave(creation) : stay(creation, false)
}

/** What a restore is made of. */
interface Restore {
  readonly creation: Creation
  readonly bundle: Bundle
  /** The text of the configuration that is kept. */
  readonly config: string
  readonly facts: Facts
  readonly folders: CriuFolders
  readonly mounts: readonly HostMount[]
  readonly options: RestoreOptions
  readonly pidFile: string | undefined
}

async function restored(runtime: Runtime, options: RestoreOptions, signals?: Signals): Promise<Creation> {
  checkId(options.id)
  const criu = findCriu()
  const bundle = usable(await loadBundle(runtime, options.bundle))
  checkConsole(bundle.spec.process?.terminal ?? false, options.detach, options.consoleSocket)
  refuseLost(bundle)
  const facts = gatherFacts(bundle.spec)
  const systemd = await systemdFacts(runtime, facts)
  const cgroup = chooseCgroup(runtime, bundle.spec, facts, options.id, systemd)
  refuseUsedUnit(cgroup)
  if (cgroup?.inner ?? cgroup?.onward)
    throw new RuntimeError('unsupported', 'cannot restore a container into a cgroup below its own')
  const notify = `${runtime.root}/${options.id}/${NOTIFY_STATE}`
  const mounts = hostMounts({ spec: bundle.spec, bundle: bundle.path, facts, cgroup, notify })
  const config = encodeJson(bundle.spec, 'config.json')
  const folders = openFolders(runtime, options, false)
  let console = -1
  try {
    checkLog(folders, LOG)
    console = connectConsole(options.consoleSocket && absolutePath(options.consoleSocket, runtime.cwd))
    const creation = withClaim(runtime.root, options.id, (claim) => {
      const record = newRecord(options.id, bundle, cgroup, config)
      return new Creation(runtime, claim, record, NO_PLAN, cgroup, programsOf(NO_PLAN, facts.arch), console, '')
    })
    creation.signals = signals
    if (creation.record.cgroup) creation.limited = creation.record.cgroup
    try {
      const pidFile = options.pidFile && absolutePath(options.pidFile, runtime.cwd)
      restore({ creation, bundle, config, facts, folders, mounts, options, pidFile: pidFile || undefined }, criu)
      return creation
    } catch (error) {
      creation.undo()
      throw error
    }
  } finally {
    if (console >= 0) closeFd(console)
    closeFolders(folders)
  }
}

/** criu has its own way of making a container. */
const NO_PLAN = { parent: [], presets: [], stage: [], init: [], keepFds: 0, warnings: [] } as const

/** What a container would come back without. */
function refuseLost({ spec }: Bundle): void {
  externalNamespaces(spec)
  const { intelRdt, netDevices } = spec.linux ?? {}
  if (intelRdt) throw new RuntimeError('unsupported', 'cannot restore a container with /linux/intelRdt')
  if (Object.keys(netDevices ?? {}).length > 0)
    throw new RuntimeError('unsupported', 'cannot restore a container with /linux/netDevices')
}

function restore(of: Restore, criu: string): void {
  const { creation, bundle, folders, mounts, options } = of
  const { claim } = creation
  if (bundle.spec.hooks) creation.hookFiles = openHookFiles(bundle.spec, bundle.path)
  // ORDER: on disk before anything exists that a killed runtime could leave behind.
  writeRecord(claim, creation.record)
  writeStateFile(claim, 'config.json', of.config)
  makeStateFolder(claim, NOTIFY_STATE)
  prepareMountPoints(bundle, mounts)
  const inheritFd: InheritFd[] = []
  const mapped = mappedImage(bundle.spec, folders.image, of.facts.arch)
  const image = mapped ?? folders.image
  try {
    openInherited(of, inheritFd)
    let work = -1
    const worker = inOwnMounts(bundle.rootfs, () => {
      work = workHere(folders)
      const fds = [image, work, ...inheritFd.map(({ fd }) => fd)]
      return startCriu({ path: criu, fds, shellJob: options.flags.shellJob, signals: creation.signals })
    })
    let done = false
    try {
      checkVersion(worker)
      const opts = { ...restoreOptions(of, image), ...enterCgroups(of, worker), workDirFd: work, inheritFd }
      const response = askCriu(worker, { type: REQUEST.restore, opts }, (notice) => heed(of, notice))
      if (!response.success) throw criuFailed('restore', response, folders, LOG)
      tell(of)
      done = true
    } finally {
      endCriu(worker, !done)
      closeFd(work)
    }
  } finally {
    if (mapped !== undefined) closeFd(mapped)
    for (const { fd } of inheritFd) closeFd(fd)
  }
}

/** Copies of our streams, in the place of those that are not in the image, and the namespaces to join. */
function openInherited({ bundle: { spec }, folders }: Restore, opened: InheritFd[]): void {
  const text = spec.process?.terminal ? undefined : readImageFile(folders, STREAMS_FILE)
  for (const { key, fd } of text === undefined ? [] : streamFds(text))
    opened.push({ key, fd: must(`dup ${fd}`, sys('fcntl', fd, F_DUPFD_CLOEXEC, 3)) })
  for (const { key, path } of externalNamespaces(spec)) opened.push({ key, fd: openFile(path, O_RDONLY) })
}

function restoreOptions({ creation, bundle, mounts, options }: Restore, image: number): CriuOptions {
  const { flags } = options
  const { spec } = bundle
  return {
    ...commonOptions(flags, LOG),
    // criu would make the cgroups of the image again, which nobody would remove.
    ...(creation.cgroup || flags.cgroupsMode ? {} : { manageCgroupsMode: CGROUPS_MODE.ignore }),
    ...asked({ tcpClose: flags.tcpClose }),
    ...(flags.lsmProfile ? { lsmProfile: flags.lsmProfile } : {}),
    ...(flags.lsmMountContext ? { lsmMountContext: flags.lsmMountContext } : {}),
    imagesDirFd: image,
    root: bundle.rootfs,
    // Our child, not criu's: we wait for it, or leave it to whoever adopts it.
    rstSibling: true,
    extMnt: externalMounts(mounts),
    ...joinedByPath(spec),
    ...configFile(creation.record),
  }
}

/** criu goes into the container's cgroups, where it makes the processes; those of the image are to be the same. */
function enterCgroups({ creation }: Restore, { child }: Worker): Pick<CriuOptions, 'cgRoot'> {
  const { cgroup, runtime } = creation
  if (!cgroup) return {}
  if (cgroup.unit) startUnit(creation, cgroup.unit, child)
  creation.made = makeCgroup(cgroup)
  for (const warning of creation.made.warnings) runtime.log.warning(warning)
  for (const { path } of cgroup.dirs) {
    const fd = openFile(`${path}/cgroup.procs`, 1)
    const text = Buffer.from(String(child.pid))
    withFd(fd, () => must(`move criu into ${path}`, sys('write', fd, text, text.length)))
  }
  const own = parseOwnCgroups(readText(`/proc/${child.pid}/cgroup`))
  return {
    cgRoot: own.flatMap(({ controllers, path }) =>
      (controllers.length === 0 ? [''] : controllers).map((ctrl) => ({ ctrl, path })),
    ),
  }
}

/** systemd makes a unit around a process that is there, and criu is. */
function startUnit(creation: Creation, unit: UnitPlan, child: Launched): void {
  creation.stage = child
  try {
    startUnitOf(creation, unit)
  } finally {
    creation.stage = undefined
  }
}

/** What is done while criu waits. */
function heed(of: Restore, { script, pid, fd }: Notice): void {
  const { creation } = of
  if (script === 'setup-namespaces') {
    born(of, pid)
    runRuntimeHooks(of)
  }
  if (script === 'post-restore') restoredInit(of, pid)
  if (script === 'pre-resume' && creation.init && of.facts.selinux)
    checkLabel(creation.init, of.bundle.spec.process, of.options.flags)
  if (script === 'orphan-pts-master') {
    creation.master = must('dup', sys('fcntl', fd, F_DUPFD_CLOEXEC, 3))
    giveConsole(creation)
  }
}

/**
 * Recorded as soon as it is there: a criu that is killed leaves it behind, and without cgroups nothing else leads to it.
 * With a pid namespace of its own all that is restored ends with it.
 */
function born({ creation }: Restore, pid: number): void {
  if (creation.init) return
  const pidfd = openPidfd(pid)
  const stat = processStat(pid)
  if (pidfd === undefined || !stat) throw new RuntimeError('criu', 'the restored process is gone')
  creation.init = { pid, pidfd }
  creation.save({ pid, startTime: stat.startTime })
}

/** SPEC: runtime.md#lifecycle: prestart and createRuntime hooks, when the namespaces are there. */
function runRuntimeHooks({ creation, bundle }: Restore): void {
  const hooks = [...hooksOf(bundle, 'prestart'), ...hooksOf(bundle, 'createRuntime')]
  const { record, claim, runtime, hookFiles, signals } = creation
  for (const hook of hooks) runHook(hook, 'creating', { record, claim, log: runtime.log, files: hookFiles, signals })
}

/** All processes are there, and none runs yet. */
function restoredInit(of: Restore, pid: number): void {
  born(of, pid)
  protectMounts(pid, of.mounts)
  runSteps(of.creation.made?.late ?? [])
}

/** They run. */
function tell({ creation, pidFile }: Restore): void {
  creation.save({ phase: 'created' })
  if (pidFile === undefined) return
  writePidFile(pidFile, creation.record.pid)
  creation.pidFile = pidFile
}
