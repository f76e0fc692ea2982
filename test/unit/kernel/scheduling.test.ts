import { describe, expect, test } from 'vitest'
import { cpuMask, MAX_CPU, parseCpuList } from '../../../src/kernel/cpu_list.ts'
import { MEMORY_FLAGS, MEMORY_MODES } from '../../../src/kernel/memory_policy.ts'
import { IOPRIO_CLASSES, PERSONALITIES, SCHED_FLAGS, SCHED_POLICIES } from '../../../src/kernel/scheduling.ts'
import { defines, header } from './headers.ts'

const sched = header('linux/sched.h')
const personality = header('linux/personality.h')
const ioprio = header('linux/ioprio.h')
const mempolicy = header('linux/mempolicy.h')

describe('tables against the kernel headers', () => {
  test.runIf(sched)('policies and flags', () => {
    const found = defines(sched ?? '')
    for (const [name, number] of Object.entries({ ...SCHED_POLICIES, ...SCHED_FLAGS }))
      expect(found.get(name.replace('OTHER', 'NORMAL')), name).toBe(number)
    const flags = [...found.keys()].filter((name) => /^SCHED_FLAG_(?!ALL)/.test(name))
    expect(flags.sort()).toEqual(Object.keys(SCHED_FLAGS).sort())
  })

  test.runIf(personality)('personalities', () => {
    // An enum of sums; those without a bug emulation are a number alone.
    const value = (name: string) => Number(new RegExp(`\\b${name} =\\s*(0x[0-9a-f]+)`).exec(personality ?? '')?.[1])
    expect(PERSONALITIES).toEqual({ LINUX: value('PER_LINUX'), LINUX32: value('PER_LINUX32') })
  })

  test.runIf(mempolicy)('memory policies', () => {
    const names: readonly string[] =
      /enum \{\s*(MPOL_DEFAULT[^}]*)\}/.exec(mempolicy ?? '')?.[1]?.match(/MPOL_[A-Z_]+/g) ?? []
    // Headers may be older than a mode; their last is none.
    for (const [name, number] of Object.entries(MEMORY_MODES))
      if (names.includes(name)) expect(names.indexOf(name), name).toBe(number)
    expect(names.length).toBeGreaterThan(5)
    for (const [name, bit] of Object.entries(MEMORY_FLAGS))
      expect(mempolicy, name).toMatch(new RegExp(`${name}\\s+\\(1 << ${Math.log2(bit)}\\)`))
  })

  test.runIf(ioprio)('classes of I/O', () => {
    const names: readonly string[] =
      /enum \{\s*(IOPRIO_CLASS_NONE[^}]*)\}/.exec(ioprio ?? '')?.[1]?.match(/IOPRIO_CLASS_[A-Z]+/g) ?? []
    for (const [name, number] of Object.entries(IOPRIO_CLASSES)) expect(names.indexOf(name), name).toBe(number)
  })
})

/** The CPUs of a mask. */
const cpus = (mask: Uint8Array) =>
  [...mask].flatMap((byte, at) =>
    [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => byte & (1 << bit)).map((bit) => at * 8 + bit),
  )

describe('lists of CPUs', () => {
  test.each([
    ['0', [0], 8],
    ['0-1', [0, 1], 8],
    [',0,1,', [0, 1], 8],
    ['    , 1   , 3  ,  5-7,    ', [1, 3, 5, 6, 7], 8],
    ['63', [63], 8],
    ['64', [64], 16],
    ['127-129, 1', [1, 127, 128, 129], 24],
    ['1023', [1023], 128],
    ['1024', [1024], 136],
    [`0,${MAX_CPU}`, [0, MAX_CPU], MAX_CPU / 8 + 8],
  ])('%s', (list, expected, length) => {
    expect(cpus(cpuMask(list))).toEqual(expected)
    expect(cpuMask(list)).toHaveLength(length)
  })

  test.each(['-', '1-', '-3', ',', ' ', '54-53', '1 - 2', '65537', '0-65537', '1-2-3', 'x', '+1', '99999999999'])(
    '%j is none',
    (list) => {
      expect(parseCpuList(list)).toBeTypeOf('string')
      expect(() => cpuMask(list)).toThrow('bug')
    },
  )
})
