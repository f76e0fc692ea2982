/** The part of criu's log that an error shows. */
import { describe, expect, test } from 'vitest'
import { errorLines } from '../../../../src/host/criu/log.ts'

const line = (n: number) => `(00.00${n}123)      1: Error (criu/files.c:${n}): what ${n}`

describe("criu's errors", () => {
  test('are the first and the last ones, without their time', () => {
    const text = ['(00.1) Warn  (criu/x.c:1): no', ...[1, 2, 3, 4].map(line), line(4)].join('\n')
    expect(errorLines(text)).toEqual([1, 3, 4].map((n) => `1: Error (criu/files.c:${n}): what ${n}`))
  })

  test('are without control characters, and never long', () => {
    expect(errorLines('Error (a.c:1): \x1b[31mred\r')).toEqual(['Error (a.c:1):  [31mred'])
    expect(errorLines(`Error (a.c:1): ${'x'.repeat(1000)}`)[0]).toHaveLength(300)
  })

  test('leave out what does not matter, and tell of nothing where nothing is', () => {
    expect(errorLines("(00.05) Error (criu/util.c:1533): rlimit: Can't setup RLIMIT_NOFILE for self: no")).toEqual([])
    expect(errorLines('')).toEqual([])
  })
})
