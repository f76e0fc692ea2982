import { describe, expect, test } from 'vitest'
import { ARCHITECTURES, type ArchName } from '../../../../src/kernel/seccomp.ts'
import { enosysStub } from '../../../../src/plan/seccomp/stub.ts'
import { answer, type Call, decodeClassic } from './machine.ts'

/** A filter that is told from the stub by its answer. */
const FILTER = Uint8Array.of(0x06, 0, 0, 0, 0, 0, 0xff, 0x7f)
const X32 = 0x40000000

/** "stub" for ENOSYS, "filter" for what gets through to the filter behind. */
function passes(newest: Partial<Record<ArchName, number>>, call: Call): string {
  const stub = enosysStub(new Map(Object.entries(newest)) as Map<ArchName, number>)
  const said = answer(Buffer.concat([stub, FILTER]), call)
  return { 'errno 38': 'stub', allow: 'filter' }[said] ?? said
}

describe('one architecture', () => {
  test.each([
    [0, 'filter'],
    [439, 'filter'],
    [440, 'stub'],
    [0x3fffffff, 'stub'],
    [X32, 'filter'],
    [X32 | 500, 'filter'],
    [0xffffffff, 'filter'], // the x32 bit is set: what a tracer makes of a call that is to be skipped
  ])('x86_64 up to 439: %d goes to the %s', (nr, to) => {
    expect(passes({ SCMP_ARCH_X86_64: 439 }, { nr })).toBe(to)
  })

  test.each([
    [0, 'filter'],
    [500, 'filter'],
    [X32, 'filter'],
    [X32 | 439, 'filter'],
    [X32 | 440, 'stub'],
    [0xffffffff, 'stub'],
  ])('x32 alone up to 439: %d goes to the %s', (nr, to) => {
    expect(passes({ SCMP_ARCH_X32: X32 | 439 }, { nr })).toBe(to)
  })

  test.each(['SCMP_ARCH_S390', 'SCMP_ARCH_S390X'] as const)('%s: the multiplexer', (arch) => {
    const newest = { [arch]: 439 }
    expect(passes(newest, { arch, nr: 0 })).toBe('stub')
    expect(passes(newest, { arch, nr: 1 })).toBe('filter')
    expect(passes(newest, { arch, nr: 439 })).toBe('filter')
    expect(passes(newest, { arch, nr: 440 })).toBe('stub')
  })

  const others = (Object.keys(ARCHITECTURES) as ArchName[]).filter((name) => !/X32|S390/.test(name))
  test.each(others)('%s, and no other', (arch) => {
    const newest = { [arch]: 4439 }
    expect(passes(newest, { arch, nr: 4439 })).toBe('filter')
    expect(passes(newest, { arch, nr: 4440 })).toBe('stub')
    expect(passes(newest, { arch, nr: 0 })).toBe('filter')
    for (const other of others) if (other !== arch) expect(passes(newest, { arch: other, nr: 9999 })).toBe('filter')
  })
})

describe('several', () => {
  const newest = { SCMP_ARCH_X86_64: 439, SCMP_ARCH_X86: 450, SCMP_ARCH_X32: X32 | 400 }

  test.each([
    ['SCMP_ARCH_X86_64', 439, 'filter'],
    ['SCMP_ARCH_X86_64', 440, 'stub'],
    ['SCMP_ARCH_X86', 450, 'filter'],
    ['SCMP_ARCH_X86', 451, 'stub'],
    ['SCMP_ARCH_X32', X32 | 400, 'filter'],
    ['SCMP_ARCH_X32', X32 | 401, 'stub'],
    ['SCMP_ARCH_X32', X32 | 420, 'stub'],
    ['SCMP_ARCH_ARM', 9999, 'filter'],
  ] as [ArchName, number, string][])('%s %d goes to the %s', (arch, nr, to) => {
    expect(passes(newest, { arch, nr })).toBe(to)
    const turned = Object.fromEntries(Object.entries(newest).reverse())
    expect(passes(turned, { arch, nr })).toBe(to)
  })

  test('all at once', () => {
    const names = Object.keys(ARCHITECTURES) as ArchName[]
    const limit = (name: ArchName, i: number) => (name === 'SCMP_ARCH_X32' ? X32 : 0) + 300 + i
    const all = Object.fromEntries(names.map((name, i) => [name, limit(name, i)]))
    for (const [i, arch] of names.entries()) {
      expect(passes(all, { arch, nr: limit(arch, i) }), arch).toBe('filter')
      expect(passes(all, { arch, nr: limit(arch, i) + 1 }), arch).toBe('stub')
    }
  })
})

test('none: no stub', () => {
  expect(enosysStub(new Map())).toHaveLength(0)
})

test('short: four instructions for the usual machine beyond the choice of the architecture', () => {
  const usual = new Map<ArchName, number>([
    ['SCMP_ARCH_X86_64', 439],
    ['SCMP_ARCH_X86', 439],
    ['SCMP_ARCH_X32', X32 | 439],
  ])
  expect(decodeClassic(enosysStub(usual))).toHaveLength(3 + 4 + 2 + 1)
})
