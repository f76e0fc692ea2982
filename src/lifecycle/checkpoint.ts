/** `checkpoint`: criu writes all that a container's processes are into an image, and ends them unless they are to go on. */
import { RuntimeError } from '../base/errors.ts'
import { closeFd, openFile, statIf, withFd } from '../ffi/file.ts'
import { freezerOf } from '../host/cgroup/freeze.ts'
import { dumpMounts } from '../host/criu/dump_mounts.ts'
import { lookAtStreams } from '../host/criu/streams.ts'
import { askCriu, checkVersion, endCriu, findCriu, startCriu, type Worker } from '../host/criu/worker.ts'
import { gatherFacts } from '../host/facts.ts'
import { openPidfd } from '../host/process.ts'
import { O_DIRECTORY, O_PATH } from '../kernel/files.ts'
import { asked, type CheckpointFlags, commonOptions } from '../plan/criu/flags.ts'
import { type CriuOptions, REQUEST } from '../plan/criu/model.ts'
import { hostMounts } from '../plan/criu/mounts.ts'
import { externalNamespaces, namespaceWord } from '../plan/criu/namespaces.ts'
import { STREAMS_FILE, streamExternals, streamKey, streamsText } from '../plan/criu/streams.ts'
import type { Spec } from '../spec/types.gen.ts'
import { openContainer, releaseContainer } from '../state/claim.ts'
import type { Claim } from '../state/folder.ts'
import { readConfig } from '../state/kept_config.ts'
import type { ContainerRecord } from '../state/record.ts'
import { statusOf } from '../state/status.ts'
import { readRecord } from '../state/store.ts'
import { configFile } from './criu_config.ts'
import { criuFailed } from './criu_failure.ts'
import {
  type CriuFolders,
  checkLog,
  checkParent,
  closeFolders,
  type FolderOptions,
  openFolders,
  writeImageFile,
} from './criu_folders.ts'
import { checkStatusFd } from './criu_status.ts'
import { removeAll } from './delete.ts'
import { checkAlive } from './exec_target.ts'
import type { Runtime } from './runtime.ts'
import { loadUnits } from './units.ts'

export interface CheckpointOptions extends FolderOptions {
  readonly id: string
  readonly flags: CheckpointFlags
}

const LOG = 'dump.log'
const VERB = 'checkpoint'

/** Throws RuntimeError 'criu', with the end of criu's log, and the container goes on. */
export async function checkpointContainer(runtime: Runtime, options: CheckpointOptions): Promise<void> {
  const { id, flags } = options
  const criu = findCriu()
  if (flags.statusFd !== undefined) checkStatusFd(flags.statusFd)
  // ORDER: nobody starts, pauses or deletes it meanwhile; a forced delete ends its processes, which ends the dump.
  const claim = openContainer(runtime.root, id, true) as Claim
  try {
    const record = checkpointable(runtime, claim)
    await loadUnits(record)
    const folders = openFolders(runtime, options, true)
    try {
      checkLog(folders, LOG)
      dump(runtime, { record, folders, flags, criu })
    } finally {
      closeFolders(folders)
    }
    if (!flags.leaveRunning && !flags.preDump) removeAll(runtime, claim, record)
  } finally {
    releaseContainer(claim)
  }
}

function checkpointable({ root }: Runtime, { id, path }: Claim): ContainerRecord {
  const record = readRecord(root, id)
  const status = record ? statusOf(path, record) : 'creating'
  if (record && (status === 'running' || status === 'paused')) return record
  // runc's words.
  throw new RuntimeError('bad-state', `container cannot be checkpointed in ${status} state`)
}

interface Dump {
  readonly record: ContainerRecord
  readonly folders: CriuFolders
  readonly flags: CheckpointFlags
  /** Path of criu. */
  readonly criu: string
}

function dump(runtime: Runtime, { record, folders, flags, criu }: Dump): void {
  if (flags.parentPath !== undefined) checkParent(folders, flags.parentPath)
  const pidfd = openPidfd(record.pid)
  if (pidfd === undefined) checkAlive(record, VERB)
  const inherited = [folders.image, ...(folders.work === folders.image ? [] : [folders.work])]
  const status = flags.statusFd === undefined ? [] : [flags.statusFd]
  try {
    // SAFETY: the pidfd came first: all that is read by the pid is of this container, as long as it lives.
    checkAlive(record, VERB)
    const opts = dumpOptions(runtime, record, folders, flags)
    const worker = startCriu({ path: criu, fds: [...inherited, ...status], shellJob: flags.shellJob })
    let done = false
    try {
      checkVersion(worker)
      checkFeatures(worker, flags)
      const type = flags.preDump ? REQUEST.preDump : REQUEST.dump
      const response = askCriu(worker, { type, opts }, () => {})
      done = response.success && !flags.preDump
      if (!response.success) throw criuFailed('checkpoint', response, folders, LOG)
    } finally {
      // After a pre-dump criu waits for the next one.
      endCriu(worker, !done)
    }
  } finally {
    if (pidfd !== undefined) closeFd(pidfd)
  }
}

function dumpOptions(
  runtime: Runtime,
  record: ContainerRecord,
  folders: CriuFolders,
  flags: CheckpointFlags,
): CriuOptions {
  const spec = readConfig(runtime.root, record)
  if (record.cgroup?.inner)
    throw new RuntimeError('unsupported', 'cannot checkpoint a container in a cgroup below its own')
  const freezer = record.cgroup && freezerOf(record.cgroup)
  const { parentPath, pageServer, statusFd } = flags
  return {
    ...commonOptions(flags, LOG),
    ...asked({
      leaveRunning: flags.leaveRunning,
      tcpSkipInFlight: flags.tcpSkipInFlight,
      linkRemap: flags.linkRemap,
      trackMem: flags.preDump || parentPath !== undefined,
    }),
    imagesDirFd: folders.image,
    workDirFd: folders.work,
    pid: record.pid,
    root: record.rootfs,
    ...configFile(record),
    ...(freezer === undefined ? {} : { freezeCgroup: freezer }),
    ...(parentPath === undefined ? {} : { parentImg: parentPath }),
    ...(pageServer === undefined ? {} : { ps: pageServer }),
    ...(statusFd === undefined ? {} : { statusFd }),
    ...outside(record, spec, folders, flags),
  }
}

/** What the image does not hold. */
function outside(
  record: ContainerRecord,
  spec: Spec,
  folders: CriuFolders,
  { preDump }: CheckpointFlags,
): Pick<CriuOptions, 'external' | 'extMnt'> {
  const keys = lookAtStreams(record.pid).map((stream) => stream && streamKey(stream))
  const namespaces = externalNamespaces(spec).map((entry) => {
    const file = entry.type === 'network' ? 'net' : entry.type
    return namespaceWord(entry, statIf(`/proc/${record.pid}/ns/${file}`)?.inode ?? 0)
  })
  const external = [...namespaces, ...streamExternals(keys)]
  if (preDump) return { external }
  writeImageFile(folders, STREAMS_FILE, streamsText(keys))
  const mounts = hostMounts({ spec, bundle: record.bundle, facts: gatherFacts(), cgroup: undefined, notify: '' })
  const root = openFile(`/proc/${record.pid}/root`, O_PATH | O_DIRECTORY)
  return { external, extMnt: withFd(root, () => dumpMounts(root, mounts)) }
}

/** Throws 'unsupported' for what the kernel cannot do. */
function checkFeatures(worker: Worker, { preDump, lazyPages }: CheckpointFlags): void {
  if (!preDump && !lazyPages) return
  const features = { ...(preDump ? { memTrack: true } : {}), ...(lazyPages ? { lazyPages: true } : {}) }
  const answer = askCriu(worker, { type: REQUEST.featureCheck, features, keepOpen: true }, () => {}).features ?? {}
  if (preDump && !answer.memTrack) throw lacking('--pre-dump needs a kernel that tracks memory (soft-dirty pages)')
  if (lazyPages && !answer.lazyPages)
    throw lacking('--lazy-pages needs a kernel with userfaultfd for all of its events')
}

function lacking(words: string): RuntimeError {
  return new RuntimeError('unsupported', `criu: feature check failed: ${words}`)
}
