/** Events as JSON on one line. Pure. */
import { encodeExact } from '../base/json.ts'
import type { ContainerEvent } from '../lifecycle/events.ts'

/** As runc's: members in the order that they have, whole numbers of 64 bits with all their digits. */
export function eventLine(event: ContainerEvent): string {
  return `${encodeExact(event)}\n`
}
