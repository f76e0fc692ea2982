/** What criu is asked for: the image, where it goes, and what comes from outside of it. */
import { openFile } from '../ffi/file.ts'
import { must, sys } from '../ffi/native.ts'
import { O_RDONLY } from '../kernel/files.ts'
import { asked, commonOptions, type RestoreFlags } from '../plan/criu/flags.ts'
import { CGROUPS_MODE, type CriuOptions, type InheritFd } from '../plan/criu/model.ts'
import { externalMounts, type HostMount } from '../plan/criu/mounts.ts'
import { externalNamespaces, joinedByPath } from '../plan/criu/namespaces.ts'
import { STREAMS_FILE, streamFds } from '../plan/criu/streams.ts'
import type { Facts } from '../plan/facts.ts'
import type { Creation } from './creation.ts'
import { configFile } from './criu_config.ts'
import { type CriuFolders, type FolderOptions, readImageFile } from './criu_folders.ts'
import type { Bundle } from './load.ts'

export interface RestoreOptions extends FolderOptions {
  readonly id: string
  readonly bundle: string
  readonly detach: boolean
  readonly noSubreaper: boolean
  readonly pidFile?: string
  readonly consoleSocket?: string
  readonly flags: RestoreFlags
}

/** In the working folder. */
export const LOG = 'restore.log'
const F_DUPFD_CLOEXEC = 1030

/** What a restore is made of. */
export interface Restore {
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

/** Copies of our streams, in the place of those that are not in the image, and the namespaces to join. */
export function openInherited({ bundle: { spec }, folders }: Restore, opened: InheritFd[]): void {
  const text = spec.process?.terminal ? undefined : readImageFile(folders, STREAMS_FILE)
  for (const { key, fd } of text === undefined ? [] : streamFds(text))
    opened.push({ key, fd: must(`dup ${fd}`, sys('fcntl', fd, F_DUPFD_CLOEXEC, 3)) })
  for (const { key, path } of externalNamespaces(spec)) opened.push({ key, fd: openFile(path, O_RDONLY) })
}

/** All options but the fds that criu inherits, and the cgroups. */
export function restoreOptions({ creation, bundle, mounts, options }: Restore, image: number): CriuOptions {
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
