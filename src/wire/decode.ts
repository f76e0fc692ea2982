/** Reads the executor's reports (struct report in native/plan.h). */
import { RuntimeError } from '../base/errors.ts'
import { PROGRAM, REPORT, WIRE } from './ops.ts'

export type Report =
  | { readonly kind: 'sync' | 'fd'; readonly tag: number }
  | { readonly kind: 'child'; readonly pid: number }
  | { readonly kind: 'listener'; readonly fd: number }
  | {
      readonly kind: 'failed'
      readonly program: 'stage' | 'init'
      readonly record: number
      readonly errno: number
      readonly detail: Buffer
    }

/** Parses one message; throws when it is not one. */
export function decodeReport(message: Buffer): Report {
  if (message.length < WIRE.messageSize)
    throw new RuntimeError('create', `container init sent ${message.length} bytes where a report was due`)
  const [kind, program, record] = [message.readUInt32LE(0), message.readUInt32LE(4), message.readUInt32LE(8)]
  const value = message.readInt32LE(12)
  switch (kind) {
    case REPORT.sync:
      return { kind: 'sync', tag: value }
    case REPORT.fd:
      return { kind: 'fd', tag: value }
    case REPORT.child:
      return { kind: 'child', pid: value }
    case REPORT.listener:
      return { kind: 'listener', fd: value }
    case REPORT.failed:
      return {
        kind: 'failed',
        program: program === PROGRAM.stage ? 'stage' : 'init',
        record,
        errno: value,
        detail: message.subarray(WIRE.messageSize, WIRE.messageSize + message.readUInt32LE(16)),
      }
    default:
      throw new RuntimeError('create', `container init sent an unknown report ${kind}`)
  }
}

/** The answer to a sync: its tag, and 0 or a negative errno that makes the step fail. */
export function encodeAnswer(tag: number, value = 0): Buffer {
  const answer = Buffer.alloc(8)
  answer.writeUInt32LE(tag, 0)
  answer.writeInt32LE(value, 4)
  return answer
}
