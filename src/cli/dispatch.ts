/** Verb to code. What people call by hand is imported when it is called; the rest is in one piece with the program. */
import { assertNever } from '../base/errors.ts'
import type { Session } from './session.ts'
import type { Command } from './table.ts'
import { create, run } from './verbs/create.ts'
import { kill, list, remove, start, state } from './verbs/manage.ts'

/** Carries a command out; the exit code. */
export async function dispatch(command: Command, session: Session): Promise<number> {
  switch (command.verb) {
    case 'create':
      return create(command, session)
    case 'run':
      return run(command, session)
    case 'start':
      return start(command, session)
    case 'kill':
      return kill(command, session)
    case 'delete':
      return remove(command, session)
    case 'state':
      return state(command, session)
    case 'list':
      return list(command, session)
    case 'spec':
      return (await import('./verbs/inspect.ts')).spec(command, session)
    case 'features':
      return (await import('./verbs/inspect.ts')).features()
    case 'plan':
      return (await import('./verbs/inspect.ts')).plan(command, session)
    default:
      return assertNever(command, 'verb')
  }
}
