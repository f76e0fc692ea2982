/** davit start, kill, delete, state, list: verbs on containers that exist. They need neither schemas nor planners. */
import { RuntimeError } from '../../base/errors.ts'
import { readTextIf } from '../../ffi/file.ts'
import { parseSignal } from '../../kernel/signals.ts'
import { deleteContainer } from '../../lifecycle/delete.ts'
import { killContainer } from '../../lifecycle/kill.ts'
import { startContainer } from '../../lifecycle/start.ts'
import { type ContainerState, containerState, listStates } from '../../lifecycle/state.ts'
import { listText, ownerName, stateJson } from '../format.ts'
import { print, type Session } from '../session.ts'
import type { CommandOf } from '../table.ts'

export function start(command: CommandOf<'start'>, { runtime }: Session): number {
  startContainer(runtime, command.positionals.id)
  return 0
}

export function kill(command: CommandOf<'kill'>, { runtime }: Session): number {
  const { id, signal } = command.positionals
  const number = parseSignal(signal)
  if (number === undefined) throw new RuntimeError('usage', `unknown signal "${signal}"`)
  killContainer(runtime, id, number, command.options.all)
  return 0
}

export function remove(command: CommandOf<'delete'>, { runtime }: Session): number {
  deleteContainer(runtime, command.positionals.id, command.options.force)
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
