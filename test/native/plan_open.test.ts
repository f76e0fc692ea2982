/** The reader trusts nothing: each kind of damage has its own answer, and every step of the encoder is accepted. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { encodePlan } from '../../src/wire/encode.ts'
import { ARG, OPS, WIRE } from '../../src/wire/ops.ts'
import { planOf } from '../unit/plan/base.ts'
import { SAMPLES } from '../unit/plan/samples.ts'
import { disassemble } from '../unit/wire/disassemble.ts'
import { EVERY, everyPlan } from '../unit/wire/steps.ts'
import { ARCH, nativeTests, place } from './executor.ts'

let program = ''
beforeAll(() => {
  program = nativeTests().run
}, 120_000)

function check(bytes: Uint8Array): number {
  const file = `${place()}/plan`
  writeFileSync(file, bytes)
  return Number(execFileSync(program, ['check', file], { encoding: 'utf8' }))
}

const EMPTY = { parent: [], presets: [], keepFds: 0, warnings: [] }
const FDS = new Map([
  [0, 10],
  [3, 11],
])

function whole(): Buffer {
  return Buffer.from(encodePlan({ ...EMPTY, ...everyPlan() }, FDS, ARCH).bytes)
}

/** Header fields by their place. */
const FIELD = {
  magic: 0, hash: 4, total: 8, stageOff: 12, stageCount: 16, initOff: 20, initCount: 24, slotsOff: 28, slotsCount: 32,
  dataOff: 36, dataLen: 40, keepFds: 44,
} // biome-ignore format: a table

/** The plan with a header field changed. */
function field(name: keyof typeof FIELD, change: (value: number) => number): Buffer {
  const bytes = whole()
  bytes.writeUInt32LE(change(bytes.readUInt32LE(FIELD[name])) >>> 0, FIELD[name])
  return bytes
}

/** The plan with the first record of a kind (in init) changed. */
function record(kind: keyof typeof EVERY, change: (bytes: Buffer, at: number) => void): Buffer {
  const { bytes, steps } = encodePlan({ ...EMPTY, ...everyPlan() }, FDS, ARCH)
  const index = steps.init.indexOf(everyPlan().init.findIndex((step) => step.kind === kind))
  const copy = Buffer.from(bytes)
  change(copy, copy.readUInt32LE(FIELD.initOff) + index * WIRE.recordSize)
  return copy
}
const arg = (index: number, value: number | bigint) => (bytes: Buffer, at: number) => {
  bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), at + 16 + index * 8)
}
const type = (index: number, value: number) => (bytes: Buffer, at: number) => {
  bytes.writeUInt16LE((bytes.readUInt16LE(at + 12) & ~(3 << (2 * index))) | (value << (2 * index)), at + 12)
}
const half = (place: number, value: number) => (bytes: Buffer, at: number) =>
  void bytes.writeUInt16LE(value, at + place)

describe('accepts', () => {
  test('one of every kind of step', () => expect(check(whole())).toBe(0))

  test.each(Object.values(EVERY).filter(({ kind }) => kind !== 'fork'))('$kind', (step) => {
    expect(check(encodePlan({ ...EMPTY, stage: [], init: [step] }, FDS, ARCH).bytes)).toBe(0)
  })

  test.each(Object.entries(SAMPLES))('the plan %s', (_, patch) => {
    const plan = planOf(patch)
    const fds = new Map(plan.presets.map(({ slot }, i) => [slot, 10 + i]))
    expect(check(encodePlan(plan, fds, ARCH).bytes)).toBe(0)
  })
})

describe('refuses', () => {
  const data = () => disassemble(whole(), ARCH).header.dataLen
  test.each([
    ['nothing', 1, () => Buffer.alloc(0)],
    ['half a header', 1, () => whole().subarray(0, 63)],
    ['another magic', 2, () => field('magic', (x) => x ^ 1)],
    ['a longer length', 2, () => field('total', (x) => x + 8)],
    ['a cut', 2, () => whole().subarray(0, -1)],
    ['more after the end', 2, () => Buffer.concat([whole(), Buffer.alloc(8)])],
    ['the table of another build', 3, () => field('hash', (x) => x + 1)],
    ['too many records of the stage', 4, () => field('stageCount', () => 65536)],
    ['too many records of init', 4, () => field('initCount', () => 0xffffffff)],
    ['too many slots', 4, () => field('slotsCount', () => WIRE.slots + 1)],
    ['a program inside the header', 5, () => field('initOff', () => 56)],
    ['a crooked offset', 5, () => field('stageOff', (x) => x + 4)],
    ['a program past the end', 5, () => field('initOff', (x) => x + 64 * 1000)],
    ['a program half past the end', 5, () => field('initCount', (x) => x + 200)],
    ['an offset that wraps around', 5, () => field('initOff', () => 0xfffffff8)],
    ['slots past the end', 5, () => field('slotsOff', () => 0x7ffffff8)],
    ['data past the end', 5, () => field('dataLen', (x) => x + 1)],
    ['data far past the end', 5, () => field('dataLen', () => 0xffffffff)],
    ['no data', 6, () => field('dataLen', () => 0)],
    ['data without NUL at its end', 6, () => Buffer.concat([whole().subarray(0, -1), Buffer.from('x')])],
    ['an empty init', 7, () => field('initCount', () => 0)],
    ['a million kept fds', 7, () => field('keepFds', () => (1 << 20) + 1)],
    ['an fd for a slot that is none', 8, () => presetAt(0, 512, 5)],
    ['a negative fd', 8, () => presetAt(1, 3, -1)],
    ['an operation 0', 9, () => record('setsid', half(0, 0))],
    ['an unknown operation', 9, () => record('setsid', half(0, Object.keys(OPS).length + 1))],
    ['an output slot that is none', 9, () => record('open', half(2, WIRE.slots))],
    ['the socket as output', 9, () => record('open', half(2, 0))],
    ['an unknown flag', 9, () => record('setsid', half(14, 2))],
    ['types beyond the last argument', 9, () => record('setsid', half(12, 1 << 12))],
    ['a slot that is none', 9, () => record('attachAt', arg(0, WIRE.slots))],
    ['a slot far off', 9, () => record('attachAt', arg(0, 2 ** 40))],
    ['a string at the end of the data', 9, () => record('chdir', arg(0, data()))],
    ['a string far off', 9, () => record('chdir', arg(0, -1))],
    ['a number for a string', 9, () => record('chdir', type(0, ARG.imm))],
    ['a string for a number', 9, () => record('verify', type(1, ARG.str))],
    ['a string for an fd', 9, () => record('makePath', type(0, ARG.str))],
    ['an argument too many', 9, () => record('chdir', type(5, ARG.slot))],
    ['bytes past the end', 9, () => record('exec', (bytes, at) => arg(1, data() + 1)(bytes, at))],
    ['bytes whose length wraps around', 9, () => record('exec', arg(1, -1))],
    ['bytes far off', 9, () => record('exec', arg(0, 2 ** 40))],
    ['a filter past the end', 9, () => record('filter', (bytes, at) => arg(2, data() + 1)(bytes, at))],
    ['bytes without a length', 9, () => record('call', type(5, ARG.buf))],
    ['a length that is a string', 9, () => record('exec', type(1, ARG.str))],
    ['closing a slot that is none', 9, () => record('close', arg(0, WIRE.slots))],
    ['closing the socket', 9, () => record('close', arg(0, 0))],
    ["masking with the socket's slot", 9, () => record('maskPath', arg(4, 0))],
    ['masking with a slot that is none', 9, () => record('maskPath', arg(4, WIRE.slots))],
    ['masking with more parameters than there is', 9, () => record('maskPath', arg(5, 2 ** 31))],
    ['a jump past the end', 9, () => record('jump', half(4, 60000))],
    ['one record past the end', 9, () => record('exec', half(4, 2))],
    ['a fork in init', 9, () => record('umask', (bytes, at) => half(0, OPS.fork)(bytes, at))],
  ] as [string, number, () => Buffer][])('%s', (_, code, make) => {
    expect(check(make())).toBe(code)
  })

  function presetAt(index: number, slot: number, fd: number): Buffer {
    const bytes = whole()
    const at = bytes.readUInt32LE(FIELD.slotsOff) + index * 8
    bytes.writeUInt32LE(slot, at)
    bytes.writeInt32LE(fd, at + 4)
    return bytes
  }

  test('a fork that is not the last of the stage', () => {
    const plan = { ...EMPTY, stage: [EVERY.fork, EVERY.setsid], init: everyPlan().init }
    expect(check(encodePlan(plan, FDS, ARCH).bytes)).toBe(9)
  })
})
