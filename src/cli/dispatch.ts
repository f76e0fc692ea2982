/** Verb to code, each group imported only when it is called: what a verb does not need costs it nothing. */
import { assertNever } from '../base/errors.ts'
import type { Session } from './session.ts'
import type { Command } from './table.ts'

/** Carries a command out; the exit code. */
export async function dispatch(command: Command, session: Session): Promise<number> {
  switch (command.verb) {
    case 'create':
      return (await import('./verbs/create.ts')).create(command, session)
    case 'run':
      return (await import('./verbs/create.ts')).run(command, session)
    case 'start':
      return (await import('./verbs/manage.ts')).start(command, session)
    case 'kill':
      return (await import('./verbs/manage.ts')).kill(command, session)
    case 'delete':
      return (await import('./verbs/manage.ts')).remove(command, session)
    case 'state':
      return (await import('./verbs/manage.ts')).state(command, session)
    case 'list':
      return (await import('./verbs/manage.ts')).list(command, session)
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
