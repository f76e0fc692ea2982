import { describe, expect, test } from 'vitest'
import { RuntimeError } from '../../../src/base/errors.ts'
import { decodeReport, encodeAnswer } from '../../../src/wire/decode.ts'
import { REPORT, WIRE } from '../../../src/wire/ops.ts'

/** struct report of native/plan.h, and the words after it. */
function message(kind: number, program: number, record: number, value: number, detail = ''): Buffer {
  const words = Buffer.from(detail, 'latin1')
  const head = Buffer.alloc(WIRE.messageSize)
  for (const [i, field] of [kind, program, record].entries()) head.writeUInt32LE(field, i * 4)
  head.writeInt32LE(value, 12)
  head.writeUInt32LE(words.length, 16)
  return Buffer.concat([head, words])
}

describe('decodeReport', () => {
  test('syncs, fds and children', () => {
    expect(decodeReport(message(REPORT.sync, 1, 7, 4))).toEqual({ kind: 'sync', tag: 4 })
    expect(decodeReport(message(REPORT.fd, 1, 7, 3))).toEqual({ kind: 'fd', tag: 3 })
    expect(decodeReport(message(REPORT.child, 0, 7, 4194303))).toEqual({ kind: 'child', pid: 4194303 })
  })

  test('a failure with its program, record and words', () => {
    expect(decodeReport(message(REPORT.failed, 0, 12, 2))).toEqual({
      kind: 'failed',
      program: 'stage',
      record: 12,
      errno: 2,
      detail: Buffer.alloc(0),
    })
    expect(decodeReport(message(REPORT.failed, 1, 0, 22, "Unknown parameter 'é'"))).toMatchObject({
      program: 'init',
      errno: 22,
      detail: Buffer.from("Unknown parameter 'é'", 'latin1'),
    })
  })

  test('words longer than the message are cut to what is there', () => {
    const bytes = message(REPORT.failed, 1, 0, 22, 'abc')
    bytes.writeUInt32LE(4_000_000_000, 16)
    expect(decodeReport(bytes)).toMatchObject({ detail: Buffer.from('abc') })
  })

  test('what is no report is refused', () => {
    expect(() => decodeReport(Buffer.alloc(0))).toThrow(RuntimeError)
    expect(() => decodeReport(message(REPORT.sync, 1, 0, 1).subarray(0, 23))).toThrow('23 bytes where a report was due')
    expect(() => decodeReport(message(99, 1, 0, 1))).toThrow('unknown report 99')
    expect(() => decodeReport(message(0, 1, 0, 1))).toThrow('unknown report 0')
  })
})

test('an answer repeats the tag and may carry an errno', () => {
  expect(encodeAnswer(5).toString('hex')).toBe('0500000000000000')
  expect(encodeAnswer(WIRE.magic, -13).toString('hex')).toBe('44545631f3ffffff')
})
