/** davit checkpoint, davit restore. */
import { checkpointContainer } from '../../lifecycle/checkpoint.ts'
import { restoreContainer } from '../../lifecycle/restore.ts'
import { type CommonFlags, parsePageServer } from '../../plan/criu/flags.ts'
import type { Session } from '../session.ts'
import type { CommandOf } from '../table.ts'

function common({ options }: CommandOf<'checkpoint'> | CommandOf<'restore'>): CommonFlags {
  const { 'manage-cgroups-mode': cgroupsMode, 'network-lock': networkLock } = options
  return {
    tcpEstablished: options['tcp-established'],
    extUnixSk: options['ext-unix-sk'],
    shellJob: options['shell-job'],
    fileLocks: options['file-locks'],
    autoDedup: options['auto-dedup'],
    lazyPages: options['lazy-pages'],
    emptyNs: options['empty-ns'],
    ...(cgroupsMode === undefined ? {} : { cgroupsMode }),
    ...(networkLock === undefined ? {} : { networkLock }),
  }
}

function folders({ options }: CommandOf<'checkpoint'> | CommandOf<'restore'>) {
  return {
    ...(options['image-path'] ? { imagePath: options['image-path'] } : {}),
    ...(options['work-path'] ? { workPath: options['work-path'] } : {}),
  }
}

export async function checkpoint(command: CommandOf<'checkpoint'>, { runtime }: Session): Promise<number> {
  const { options, positionals } = command
  const { 'parent-path': parentPath, 'page-server': pageServer, 'status-fd': statusFd } = options
  await checkpointContainer(runtime, {
    id: positionals.id,
    ...folders(command),
    flags: {
      ...common(command),
      leaveRunning: options['leave-running'],
      tcpSkipInFlight: options['tcp-skip-in-flight'],
      linkRemap: options['link-remap'],
      preDump: options['pre-dump'],
      ...(parentPath ? { parentPath } : {}),
      ...(pageServer ? { pageServer: parsePageServer(pageServer) } : {}),
      ...(statusFd === undefined ? {} : { statusFd }),
    },
  })
  return 0
}

export async function restore(command: CommandOf<'restore'>, { runtime }: Session): Promise<number> {
  const { options, positionals } = command
  const { 'lsm-profile': lsmProfile, 'lsm-mount-context': lsmMountContext } = options
  return restoreContainer(runtime, {
    id: positionals.id,
    bundle: options.bundle ?? '.',
    detach: options.detach,
    noSubreaper: options['no-subreaper'],
    ...folders(command),
    ...(options['pid-file'] ? { pidFile: options['pid-file'] } : {}),
    ...(options['console-socket'] ? { consoleSocket: options['console-socket'] } : {}),
    flags: {
      ...common(command),
      tcpClose: options['tcp-close'],
      ...(lsmProfile ? { lsmProfile } : {}),
      ...(lsmMountContext ? { lsmMountContext } : {}),
    },
  })
}
