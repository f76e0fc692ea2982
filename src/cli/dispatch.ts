/**
 * Verb to code. The verbs on containers that exist are in one piece with the program; schemas, planners and the wire
 * come with the verbs that need them.
 */
import { assertNever } from '../base/errors.ts'
import type { Session } from './session.ts'
import type { Command } from './table.ts'
import { kill, list, remove, start, state } from './verbs/manage.ts'

/** Carries a command out; the exit code. */
export async function dispatch(command: Command, session: Session): Promise<number> {
  switch (command.verb) {
    case 'create':
      return (await import('./verbs/create.ts')).create(command, session)
    case 'run':
      return (await import('./verbs/create.ts')).run(command, session)
    case 'exec':
      return (await import('./verbs/exec.ts')).exec(command, session)
    case 'start':
      return start(command, session)
    case 'kill':
      return kill(command, session)
    case 'delete':
      return remove(command, session)
    case 'state':
      return state(command, session)
    case 'pause':
      return (await import('./verbs/processes.ts')).pause(command, session)
    case 'resume':
      return (await import('./verbs/processes.ts')).resume(command, session)
    case 'ps':
      return (await import('./verbs/processes.ts')).ps(command, session)
    case 'update':
      return (await import('./verbs/update.ts')).update(command, session)
    case 'events':
      return (await import('./verbs/events.ts')).events(command, session)
    case 'list':
      return list(command, session)
    case 'spec':
      return (await import('./verbs/inspect.ts')).spec(command, session)
    case 'features':
      return (await import('./verbs/inspect.ts')).features()
    case 'plan':
      return (await import('./verbs/inspect.ts')).plan(command, session)
    case 'validate':
      return (await import('./verbs/validate.ts')).validate(command, session)
    case 'mounts':
      return (await import('./verbs/mounts.ts')).mounts(command, session)
    case 'checkpoint':
      return (await import('./verbs/checkpoint.ts')).checkpoint(command, session)
    case 'restore':
      return (await import('./verbs/checkpoint.ts')).restore(command, session)
    case 'completion':
      return (await import('./verbs/completion.ts')).completion(command)
    case '__complete':
      return (await import('./verbs/completion.ts')).completeWords(command, session)
    default:
      return assertNever(command, 'verb')
  }
}
