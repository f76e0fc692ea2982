/** davit pause, resume, ps: verbs on the processes of a container. */
import { runPs } from '../../host/ps.ts'
import { pauseContainer, resumeContainer } from '../../lifecycle/pause.ts'
import { containerPids } from '../../lifecycle/processes.ts'
import { pidsJson, psTable } from '../ps_table.ts'
import { print, type Session } from '../session.ts'
import type { CommandOf } from '../table.ts'

export function pause(command: CommandOf<'pause'>, { runtime }: Session): number {
  pauseContainer(runtime, command.positionals.id)
  return 0
}

export function resume(command: CommandOf<'resume'>, { runtime }: Session): number {
  resumeContainer(runtime, command.positionals.id)
  return 0
}

export function ps(command: CommandOf<'ps'>, { runtime }: Session): number {
  const pids = containerPids(runtime, command.positionals.id)
  if (command.options.format === 'json') print(pidsJson(pids))
  else print(psTable(runPs(command.rest.length > 0 ? command.rest : ['-ef']), pids))
  return 0
}
