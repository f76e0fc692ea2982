/** davit events. */
import { RuntimeError, SysError } from '../../base/errors.ts'
import { type ContainerEvent, statsOnce, watchEvents } from '../../lifecycle/events.ts'
import { parseDuration } from '../duration.ts'
import { eventLine } from '../event_json.ts'
import { print, type Session } from '../session.ts'
import type { CommandOf } from '../table.ts'

const STDOUT = 1

export function events(command: CommandOf<'events'>, { runtime }: Session): number {
  const { options, positionals } = command
  const interval = parseDuration('interval', options.interval)
  if (interval <= 0) throw new RuntimeError('usage', 'duration interval must be greater than 0')
  const emit = (event: ContainerEvent) => print(eventLine(event))
  try {
    if (options.stats) emit(statsOnce(runtime, positionals.id))
    else watchEvents(runtime, positionals.id, Math.max(interval, 1), { emit, fd: STDOUT })
  } catch (error) {
    // The reader has left: that is how watching ends.
    if (!(error instanceof SysError && error.errnoName === 'EPIPE')) throw error
  }
  return 0
}
