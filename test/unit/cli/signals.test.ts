import { constants } from 'node:os'
import { describe, expect, it } from 'vitest'
import { forwardedSignals, parseSignal, SIGNALS, signalName } from '../../../src/kernel/signals.ts'

describe('parseSignal', () => {
  it.each([
    ['KILL', 9],
    ['SIGKILL', 9],
    ['kill', 9],
    ['sigterm', 15],
    ['9', 9],
    ['09', 9],
    ['0', 0],
    ['28', 28],
    ['64', 64],
    ['SIGRTMIN', 34],
    ['SIGRTMIN+3', 37],
    ['rtmin+30', 64],
    ['RTMAX-1', 63],
    ['RTMAX', 64],
    ['POLL', 29],
    ['SIGIOT', 6],
    ['CLD', 17],
  ])('%s is %i', (text, number) => {
    expect(parseSignal(text)).toBe(number)
  })

  it.each(['', 'SIG', 'FOO', '65', '-1', '+9', '9.0', '1e1', '0x9', ' 9', 'RTMIN-1', 'RTMAX+1', 'RTMIN+31', 'SIG9'])(
    '%j is no signal',
    (text) => {
      expect(parseSignal(text)).toBeUndefined()
    },
  )

  it.each(['__proto__', 'CONSTRUCTOR', 'SIGSIGKILL', 'SIGtoString'])('%s is no signal', (text) => {
    expect(parseSignal(text)).toBeUndefined()
  })
})

describe('the table', () => {
  it("has the numbers of this machine's libc", () => {
    for (const [name, number] of Object.entries(SIGNALS)) {
      expect([name, constants.signals[name as NodeJS.Signals]]).toEqual([name, number])
    }
  })

  it('every name reads back from its number', () => {
    for (let number = 0; number <= 64; number++) expect(parseSignal(signalName(number))).toBe(number)
  })

  it('forwards what people and engines send, and nothing that is our own', () => {
    const names = forwardedSignals().map(signalName)
    expect(names).toEqual(expect.arrayContaining(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1', 'SIGCONT']))
    for (const name of ['SIGKILL', 'SIGURG', 'SIGWINCH', 'SIGCHLD', 'SIGPIPE'] as const) {
      expect(names).not.toContain(name)
    }
  })
})
