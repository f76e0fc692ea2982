/** davit create, davit run. */
import { closeFd } from '../../ffi/file.ts'
import { callerEnded, callerListenFds, callerNotifySocket, callerStart } from '../../host/caller.ts'
import { type CreateOptions, createContainer } from '../../lifecycle/create.ts'
import { runContainer } from '../../lifecycle/run.ts'
import { releaseContainer } from '../../state/claim.ts'
import { stateJson } from '../format.ts'
import type { Session } from '../session.ts'
import type { CommandOf } from '../table.ts'

function createOptions(command: CommandOf<'create'> | CommandOf<'run'>): CreateOptions {
  const { options, positionals, verb } = command
  const [notifySocket, listenFds] = [callerNotifySocket(), callerListenFds()]
  return {
    id: positionals.id,
    bundle: options.bundle ?? '.',
    ...(options.config ? { configFile: options.config } : {}),
    verb,
    detach: command.verb === 'run' ? command.options.detach : true,
    show: (state) => stateJson({ ...state, owner: '' }),
    noPivot: options['no-pivot'],
    noNewKeyring: options['no-new-keyring'],
    preserveFds: options['preserve-fds'] ?? 0,
    ...(options['pid-file'] ? { pidFile: options['pid-file'] } : {}),
    ...(options['console-socket'] ? { consoleSocket: options['console-socket'] } : {}),
    ...(options['pidfd-socket'] ? { pidfdSocket: options['pidfd-socket'] } : {}),
    ...(notifySocket === undefined ? {} : { notifySocket }),
    ...(listenFds === undefined ? {} : { listenFds }),
  }
}

export async function create(command: CommandOf<'create'>, { runtime }: Session): Promise<number> {
  const creation = await createContainer(runtime, createOptions(command))
  creation.close()
  if (creation.init) closeFd(creation.init.pidfd)
  releaseContainer(creation.claim)
  return 0
}

export async function run(command: CommandOf<'run'>, { runtime }: Session): Promise<number> {
  const { keep, 'no-subreaper': noSubreaper } = command.options
  const [told, ended] = [callerStart(), callerEnded()]
  if (told || ended) {
    const { endRun, failRun } = await import('../../lifecycle/resume.ts')
    if (ended) return endRun(runtime, command.positionals.id, ended)
    if (told) return failRun(runtime, command.positionals.id, told, command.options['pid-file'])
  }
  return runContainer(runtime, { ...createOptions(command), keep, noSubreaper })
}
