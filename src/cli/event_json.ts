/** Events as JSON on one line. Pure. */
import type { ContainerEvent } from '../lifecycle/events.ts'

/** As runc's: members in the order that they have, whole numbers of 64 bits with all their digits. */
export function eventLine(event: ContainerEvent): string {
  return `${encode(event)}\n`
}

/** JSON.stringify, but for bigint: those are numbers here. */
function encode(value: unknown): string {
  if (typeof value === 'bigint') return String(value)
  if (Array.isArray(value)) return `[${value.map(encode).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${encode(member)}`).join(',')}}`
}
