import { describe, expect, it } from 'vitest'
import { pidsJson, psTable } from '../../../src/cli/ps_table.ts'

describe('pidsJson', () => {
  it('is what go-runc decodes', () => {
    expect(pidsJson([1, 22])).toBe('[1,22]\n')
    expect(pidsJson([])).toBe('null\n')
  })
})

describe('psTable', () => {
  const ef = [
    'UID        PID  PPID CMD',
    'root         1     0 init',
    'a           22     1 1 2',
    'b            2    22 x',
  ]

  it('keeps the heading and the lines of the pids, however the column is placed', () => {
    expect(psTable(`${ef.join('\n')}\n`, [22])).toBe(`${ef[0]}\n${ef[2]}\n`)
    expect(psTable('  PID TTY\n    1 ?\n   22 ?\n', [1])).toBe('  PID TTY\n    1 ?\n')
    expect(psTable('S PPID PID\nR 22 1\nR 1 22\n', [22])).toBe('S PPID PID\nR 1 22\n')
  })

  it('keeps the heading alone without processes', () => {
    expect(psTable('PID\n1\n', [])).toBe('PID\n')
  })

  it('keeps the threads of a process with it', () => {
    const text = 'PID TTY STAT\n 7 ? -\n - - S\n 8 ? -\n - - S\n - - R\n'
    expect(psTable(text, [8])).toBe('PID TTY STAT\n 8 ? -\n - - S\n - - R\n')
    expect(psTable(text, [7])).toBe('PID TTY STAT\n 7 ? -\n - - S\n')
  })

  it.each(['', 'UID CMD\nroot x\n', 'XPID\n1\n', 'pid\n1\n'])('refuses %j, which has no such column', (text) => {
    expect(() => psTable(text, [1])).toThrow("couldn't find PID field in ps output")
  })

  it.each(['CMD PID\nsleep 1x\n', 'CMD PID\nsleep\n', 'PID\n-1\n'])('refuses %j, which has no number there', (text) => {
    expect(() => psTable(text, [1])).toThrow(/^unable to parse pid: ".*" is no number$/)
  })
})
