import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type SyscallName, syscallNumber } from '../../../src/kernel/syscalls.ts'
import type { ChildStep, Plan } from '../../../src/plan/step.ts'
import { encodePlan } from '../../../src/wire/encode.ts'
import { TABLE_HASH } from '../../../src/wire/hash.gen.ts'
import { cHeader, tableHash } from '../../../src/wire/header.ts'
import { OPS, WIRE } from '../../../src/wire/ops.ts'
import { planOf } from '../plan/base.ts'
import { SAMPLES } from '../plan/samples.ts'
import { readProject } from '../source.ts'
import { bytesOf, disassemble, numberOf, placeOf, printRecord, textAt } from './disassemble.ts'
import { EVERY, everyPlan } from './steps.ts'

const EXEC: ChildStep = { kind: 'exec', args: ['x'], env: [], keepFds: 0 }
const EMPTY: Plan = { parent: [], presets: [], stage: [], init: [EXEC], keepFds: 0, warnings: [] }

/** Encodes steps of init. */
function encoded(init: readonly ChildStep[], arch: 'x64' | 'arm64' = 'x64', fds = new Map<number, number>()) {
  const { bytes, steps } = encodePlan({ ...EMPTY, init }, fds, arch)
  return { ...disassemble(bytes, arch), steps, bytes }
}

function lines(init: readonly ChildStep[], arch: 'x64' | 'arm64' = 'x64'): string[] {
  const { init: records, data } = encoded(init, arch)
  return records.map((record) => printRecord(record, data))
}

describe('records.md: what every kind of step becomes', () => {
  const url = new URL('records.md', import.meta.url)
  const section = (step: ChildStep) => {
    const shown = JSON.stringify(step, (_, value) => (typeof value === 'bigint' ? `${value}n` : value))
    return `\n## ${step.kind}\n\n\`${shown}\`\n\n\`\`\`\n${lines([step]).join('\n')}\n\`\`\`\n`
  }
  const head = `# Steps and their records

What the encoder makes of one step of every kind: system calls and operations of the executor with their arguments.
Structures are shown as bytes. \`UPDATE_GOLDEN=1\` rewrites the page.
`
  const text = [head, ...Object.values(EVERY).map(section)].join('')
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(url, text)
  const sections = readFileSync(url, 'utf8').split(/(?=\n## )/)

  test.each(Object.values(EVERY).map((step, i) => ({ kind: step.kind, step, i })))('$kind', ({ step, i }) => {
    expect(sections[i + 1]).toBe(section(step))
  })

  test('nothing else is there', () => {
    expect(sections).toHaveLength(Object.keys(EVERY).length + 1)
    expect(sections[0]).toBe(head)
  })
})

describe('the buffer', () => {
  const fds = new Map([
    [0, 11],
    [511, 12],
  ])
  const plan = { ...EMPTY, ...everyPlan(), keepFds: 3 }
  const { bytes } = encodePlan(plan, fds, 'x64')
  const all = disassemble(bytes)

  test('header: magic, hash, parts one after the other', () => {
    const { header } = all
    expect(header.magic).toBe(WIRE.magic)
    expect(Buffer.from(Uint32Array.of(header.magic).buffer).toString()).toBe('DTV1')
    expect(header.hash).toBe(tableHash())
    expect(header.total).toBe(bytes.length)
    expect(header.stageOff).toBe(64)
    expect(header.initOff).toBe(64 + header.stageCount * 64)
    expect(header.slotsOff).toBe(header.initOff + header.initCount * 64)
    expect(header.dataOff).toBe(header.slotsOff + 2 * 8)
    expect(header.dataOff + header.dataLen).toBe(bytes.length)
    expect(header.keepFds).toBe(3)
    expect([...all.slots]).toEqual([...fds])
  })

  test('all of it is aligned, and it ends in NUL', () => {
    expect([all.header.dataOff % 8, all.header.slotsOff % 8, bytes.length % 8]).toEqual([0, 0, 0])
    expect(bytes.at(-1)).toBe(0)
    for (const record of [...all.stage, ...all.init]) {
      for (const arg of record.args) if (arg.type === 'str') expect(arg.place % 8).toBe(0)
    }
  })

  test('every record leads back to its step', () => {
    const { steps } = encodePlan(plan, fds, 'x64')
    expect(steps.stage).toHaveLength(all.stage.length)
    expect(steps.init).toHaveLength(all.init.length)
    expect([...new Set(steps.init)]).toEqual(plan.init.map((_, i) => i))
    expect(steps.init).toEqual(steps.init.toSorted((a, b) => a - b))
  })

  test('equal strings are stored once', () => {
    const places = (init: readonly ChildStep[]) => encoded(init).init.map((record) => placeOf(record, 0))
    const [a, b, c] = places([
      { kind: 'chdir', path: '/same' },
      { kind: 'chdir', path: '/same' },
      { kind: 'chdir', path: '/other' },
    ])
    expect(a).toBe(b)
    expect(a).not.toBe(c)
  })

  test('strings of any kind come through', () => {
    for (const path of ['', 'a', '1234567', '12345678', 'é→😀', 'x'.repeat(5000), '😀'.repeat(20000)]) {
      const { init, data } = encoded([{ kind: 'chdir', path }])
      expect(textAt(data, placeOf(init[0], 0))).toBe(path)
    }
  })

  test('lists come through, empty strings included', () => {
    const args = ['a', '', 'b'.repeat(40000), 'é', '']
    const { init } = encoded([{ kind: 'exec', args, env: ['E=', ''], keepFds: 0 }])
    expect(bytesOf(init[0], 0).toString()).toBe([...args, 'E=', ''].map((text) => `${text}\0`).join(''))
    expect(numberOf(init[0], 1)).toBe(5n)
  })

  test('a thousand steps', () => {
    const many: ChildStep[] = Array.from({ length: 3000 }, (_, i) => ({ kind: 'umask', mask: i }))
    const { init } = encoded(many)
    expect(init).toHaveLength(3000)
    expect(init.map((record) => numberOf(record, 0))).toEqual(many.map((_, i) => BigInt(i)))
  })

  test('what does not fit is refused', () => {
    const many: ChildStep[] = Array.from({ length: WIRE.maxRecords + 1 }, () => ({ kind: 'setsid' }))
    expect(() => encoded(many)).toThrow(/65535/)
    expect(() => encoded([{ kind: 'chroot', root: 512 }])).toThrow('slot 512')
    expect(() => encoded([{ kind: 'chroot', root: -1 }])).toThrow('slot -1')
    expect(() => encoded([{ kind: 'call', name: 'dup', args: [1, 2, 3, 4, 5, 6, 7] }])).toThrow('too many arguments')
    expect(() => encoded([{ kind: 'setsid', tolerate: ['EPERM', 'EIO', 'EBADF', 'E2BIG', 'EBUSY'] }])).toThrow(
      /tolerates 4 errors/,
    )
    expect(() => encoded([{ kind: 'setsid', tolerate: ['ENOSUCH'] }])).toThrow('unknown errno ENOSUCH')
    expect(() => encoded([{ kind: 'setsid', tolerate: ['EPERM'], skip: 1 }])).toThrow('skips past the end')
  })
})

describe('numbers', () => {
  const value = (arg: number | bigint) => {
    const [record] = encoded([{ kind: 'call', name: 'dup', args: [arg] }]).init
    return numberOf(record, 0)
  }

  test.each([0, 1, -1, -100, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 5, -(2 ** 31), 2 ** 53 - 1])('%d', (number) => {
    expect(value(number)).toBe(BigInt(number))
  })

  test.each([0n, -1n, -5n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 32n])('%d as a bigint', (number) => {
    expect(value(number)).toBe(number)
  })

  test('a hook cannot wait so long that it is killed at once', () => {
    const hook = (timeout: number): ChildStep => ({ ...EVERY.hook, timeout })
    const last = (timeout: number) => numberOf(encoded([hook(timeout)]).init[0], 4)
    expect(last(3000)).toBe((11n << 48n) | (10n << 32n) | 3000n)
    expect(last(2 ** 32 + 5)).toBe((11n << 48n) | (10n << 32n) | 0xffffffffn)
    expect(last(2 ** 50)).toBe((11n << 48n) | (10n << 32n) | 0xffffffffn)
  })
})

describe('skips', () => {
  const keyring: ChildStep = { kind: 'keyring', name: 'k', tolerate: ['EPERM'], skip: 0 } // two records

  test('count records, not steps', () => {
    expect(
      lines([
        { kind: 'umask', mask: 1, tolerate: ['EPERM'], skip: 2 },
        { kind: 'moveRoot', root: 1 },
        { kind: 'keyring', name: 'k' },
        { kind: 'jump', skip: 1 },
        { kind: 'pivotRoot', root: 1 },
        { kind: 'umask', mask: 2 },
      ]).filter((line) => /skip|umask/.test(line)),
    ).toEqual(['umask(1) tolerate 1 skip 6', 'jump:() skip 8', 'umask(2)'])
  })

  test('a step of several records is left as a whole', () => {
    expect(lines([keyring, EXEC]).map((line) => line.replace(/^.*tolerate/, 'tolerate'))).toEqual([
      'tolerate 1 skip 1',
      'tolerate 1',
      'ready:("x\\u0000", 1, 3)',
      'exec:()',
    ])
  })

  test('a record with a tolerance of its own keeps it', () => {
    for (const more of [{}, { tolerate: ['EIO'], skip: 1 }]) {
      const [verify, chown] = lines([{ ...EVERY.chownStream, ...more }, EXEC])
      expect(verify).toMatch(/tolerate 84,9 skip 1$/)
      expect(chown).toMatch(/tolerate 1,22,30$/)
    }
  })

  test('over steps without records', () => {
    const nothing: ChildStep = { kind: 'ambient', capabilities: { low: 0, high: 0 } }
    const [first] = lines([{ kind: 'jump', skip: 2 }, nothing, nothing, EXEC])
    expect(first).toBe('jump:() skip 2')
  })

  test('"if open" marks every record of the step', () => {
    const { init } = encoded([{ ...EVERY.attach, ifOpen: true }, EXEC])
    expect(init.map(({ ifOpen }) => ifOpen)).toEqual([true, true, true, false, false])
  })
})

describe('architectures', () => {
  test('arm64 has its own numbers for every call', () => {
    const { bytes } = encodePlan({ ...EMPTY, ...everyPlan() }, new Map(), 'arm64')
    const x64 = disassemble(encodePlan({ ...EMPTY, ...everyPlan() }, new Map(), 'x64').bytes, 'x64')
    const arm64 = disassemble(bytes, 'arm64')
    expect(arm64.init.map(({ call }) => call)).toEqual(x64.init.map(({ call }) => call))
    const raw = Buffer.from(bytes)
    for (const [i, record] of arm64.init.entries()) {
      if (record.call === undefined) continue
      const number = raw.readUInt16LE(arm64.header.initOff + i * 64 + 6)
      expect(number).toBe(syscallNumber(record.call as SyscallName, 'arm64'))
    }
  })

  test('O_DIRECTORY and O_NOFOLLOW are other bits there', () => {
    const step = (flags: number): ChildStep => ({ kind: 'open', out: 9, dir: 'cwd', path: '/', flags })
    const flags = (arch: 'x64' | 'arm64', asked: number) =>
      numberOf(encoded([step(asked)], arch).init[0], 2).toString(8)
    expect([flags('x64', 0o200000), flags('arm64', 0o200000)]).toEqual(['2200000', '2040000'])
    expect([flags('x64', 0o400000), flags('arm64', 0o400000)]).toEqual(['2400000', '2100000'])
    expect([flags('x64', 0o10600000), flags('arm64', 0o10600000)]).toEqual(['12600000', '12140000'])
    const { init, data } = encoded([{ ...EVERY.open }], 'arm64')
    expect(data.readBigUInt64LE(placeOf(init[0], 2))).toBe(0o2040000n)
  })
})

test.each(Object.entries(SAMPLES))('a whole plan: %s', (_, patch) => {
  const plan = planOf(patch)
  const fds = new Map(plan.presets.map(({ slot }, i) => [slot, 100 + i]))
  const { init, stage, slots, header, data } = disassemble(encodePlan(plan, fds, 'x64').bytes)
  expect(slots).toEqual(fds)
  expect(init.at(-1)?.op).toBe('exec')
  if (plan.stage.length > 0) expect(stage.at(-1)?.op).toBe('fork')
  expect(data.at(-1)).toBe(0)
  for (const [records, count] of [
    [stage, header.stageCount],
    [init, header.initCount],
  ] as const) {
    for (const [i, record] of records.entries()) {
      expect(record.call ?? record.op).not.toMatch(/\d$/u.test(record.op) ? /^op / : /^call /)
      expect(i + 1 + record.skip).toBeLessThanOrEqual(count)
      if (record.skip > 0) expect(record.op === 'jump' || record.tolerate.length > 0).toBe(true)
    }
  }
})

test('the C header is what the tables give', () => {
  expect(readProject('native/ops.gen.h')).toBe(cHeader())
  expect(cHeader()).toContain(`#define OP_FSMOUNT ${OPS.fsmount}u`)
  expect(cHeader()).toContain(`#define DAVIT_TABLE_HASH ${tableHash()}u`)
  expect(TABLE_HASH).toBe(tableHash())
})

test('operations are numbered without gaps', () => {
  expect(Object.values(OPS)).toEqual(Object.keys(OPS).map((_, i) => i + 1))
})

test('a NUL in a string is refused: what follows it would become a string of its own', () => {
  const nul = 'a\0b'
  for (const step of [
    { ...EXEC, args: [nul] },
    { ...EXEC, env: [nul] },
    { kind: 'unlink', dir: 'cwd', path: nul },
  ] satisfies ChildStep[])
    expect(() => encoded([step])).toThrow('NUL byte')
})
