/** `restore`: criu makes the processes of an image anew, as a container made of a bundle. */
import { RuntimeError } from '../base/errors.ts'
import { encodeJson } from '../base/json.ts'
import { absolutePath } from '../base/path.ts'
import { closeFd, openFile, readText, withFd } from '../ffi/file.ts'
import { must, sys } from '../ffi/native.ts'
import { makeCgroup } from '../host/cgroup/make.ts'
import { parseOwnCgroups } from '../host/cgroup/parse.ts'
import { inOwnMounts } from '../host/criu/own_mounts.ts'
import { askCriu, checkVersion, endCriu, findCriu, startCriu, type Worker } from '../host/criu/worker.ts'
import { gatherFacts } from '../host/facts.ts'
import type { Launched } from '../host/process.ts'
import { catchSignals, type Signals } from '../host/signals.ts'
import { NOTIFY_STATE } from '../plan/activation.ts'
import type { UnitPlan } from '../plan/cgroup/unit.ts'
import { type CriuOptions, type InheritFd, REQUEST } from '../plan/criu/model.ts'
import { hostMounts } from '../plan/criu/mounts.ts'
import { externalNamespaces } from '../plan/criu/namespaces.ts'
import { withClaim } from '../state/claim.ts'
import { makeStateFolder, writeStateFile } from '../state/folder.ts'
import { checkId } from '../state/ids.ts'
import { writeRecord } from '../state/store.ts'
import { chooseCgroup } from './cgroup_choice.ts'
import { checkConsole, connectConsole } from './console.ts'
import { usable } from './create.ts'
import { Creation } from './creation.ts'
import { criuFailed } from './criu_failure.ts'
import { checkLog, closeFolders, openFolders, workHere } from './criu_folders.ts'
import { mappedImage } from './criu_image.ts'
import { openHookFiles } from './hook_files.ts'
import { type Bundle, loadBundle } from './load.ts'
import { newRecord, refuseUsedUnit } from './new_record.ts'
import { programsOf } from './programs.ts'
import { prepareMountPoints } from './restore_mounts.ts'
import { heed, tell } from './restore_notices.ts'
import { LOG, openInherited, type Restore, type RestoreOptions, restoreOptions } from './restore_request.ts'
import { adoptOrphans, leave, started, stay } from './run.ts'
import type { Runtime } from './runtime.ts'
import { startUnitOf } from './start_unit.ts'
import { systemdFacts } from './units.ts'

/** As run: the exit code of the container's process, or 0 at once when detached. */
export async function restoreContainer(runtime: Runtime, options: RestoreOptions): Promise<number> {
  const signals = options.detach ? undefined : catchSignals()
  if (!options.detach && !options.noSubreaper) adoptOrphans()
  const creation = await restored(runtime, options, signals)
  started(creation)
  return options.detach ? leave(creation) : stay(creation, false)
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
