/** davit start, kill, delete, state, list: verbs on containers that exist. They need neither schemas nor planners. */
import { messageOf, RuntimeError, SysError } from '../../base/errors.ts'
import { readTextIf } from '../../ffi/file.ts'
import { callerNotifySocket, callerStart } from '../../host/caller.ts'
import { parseSignal } from '../../kernel/signals.ts'
import { deleteContainer } from '../../lifecycle/delete.ts'
import { killContainer } from '../../lifecycle/kill.ts'
import { startContainer } from '../../lifecycle/start.ts'
import { type ContainerState, containerState, listStates } from '../../lifecycle/state.ts'
import { loadUnitsOf } from '../../lifecycle/units.ts'
import { listContainers } from '../../state/store.ts'
import { listText, ownerName, stateJson } from '../format.ts'
import { print, type Session } from '../session.ts'
import type { CommandOf } from '../table.ts'

export async function start(command: CommandOf<'start'>, { runtime }: Session): Promise<number> {
  const socket = callerNotifySocket()
  const notifier = socket && (await import('../../lifecycle/notify.ts')).openNotifier(socket, runtime.log)
  await startContainer(runtime, command.positionals.id, notifier || undefined, callerStart())
  return 0
}

export function kill(command: CommandOf<'kill'>, session: Session): number {
  const { runtime } = session
  const { id, signal } = command.positionals
  const number = parseSignal(signal)
  if (number === undefined) throw new RuntimeError('usage', `unknown signal "${signal}"`)
  const { all, regex } = command.options
  if (regex) return forMatching(session, id, (one) => killContainer(runtime, one, number, all))
  killContainer(runtime, id, number, all)
  return 0
}

export async function remove(command: CommandOf<'delete'>, session: Session): Promise<number> {
  const { id } = command.positionals
  const { force, regex } = command.options
  const { runtime } = session
  const ids = regex ? listContainers(runtime.root, runtime.rootExplicit) : [id]
  for (const one of ids) await loadUnitsOf(runtime, one)
  if (regex) return forMatching(session, id, (one) => deleteContainer(runtime, one, force))
  deleteContainer(runtime, id, force)
  return 0
}

/** As crun: what goes wrong with one container is a warning, and the others have their turn. */
function forMatching({ runtime, log }: Session, pattern: string, act: (id: string) => void): number {
  let regex: RegExp
  try {
    regex = new RegExp(pattern)
  } catch (error) {
    throw new RuntimeError('usage', `"${pattern}" is no regular expression: ${messageOf(error)}`)
  }
  for (const id of listContainers(runtime.root, runtime.rootExplicit).filter((name) => regex.test(name))) {
    try {
      act(id)
    } catch (error) {
      if (!(error instanceof RuntimeError || error instanceof SysError)) throw error
      log.warning(`${id}: ${messageOf(error)}`)
    }
  }
  return 0
}

export function state(command: CommandOf<'state'>, { runtime }: Session): number {
  print(stateJson({ ...containerState(runtime, command.positionals.id), owner: '' }))
  return 0
}

export function list(command: CommandOf<'list'>, { runtime }: Session): number {
  const states = listStates(runtime)
  const passwd = states.length > 0 ? (readTextIf('/etc/passwd') ?? '') : ''
  const view = (container: ContainerState) => ({ ...container, owner: ownerName(passwd, container.owner) })
  print(listText(states.map(view), command.options.quiet ? 'quiet' : command.options.format))
  return 0
}
