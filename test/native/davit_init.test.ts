/** davit-init itself: what kind of file it is, and that it refuses what it should. */
import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { libexecFolder } from '../../src/ffi/libexec.ts'
import type { ChildStep } from '../../src/plan/step.ts'
import { command, requires } from '../support/requires.ts'
import { nativeTests, type Options, place, runPlan } from './executor.ts'

const PROGRAM = `${libexecFolder()}/davit-init`
const readelf = (...args: readonly string[]) => execFileSync('readelf', ['-W', ...args, PROGRAM], { encoding: 'utf8' })
const STEP: ChildStep = { kind: 'umask', mask: 0 }

describe.runIf(requires(command('readelf')))('the file', () => {
  /** Lines of the program headers: type and flags. */
  const segments = () =>
    [...readelf('-l').matchAll(/^\s+([A-Z_]+)\s+0x\S+ 0x\S+ 0x\S+ 0x\S+ 0x\S+ ([R ][W ][E ])/gm)].map(
      ([, type, flags]) => `${type}:${flags?.trimEnd()}`,
    )

  test('is static: no interpreter, nothing dynamic, nothing to relocate', () => {
    expect(segments().length).toBeGreaterThan(2)
    expect(segments().some((line) => /INTERP|DYNAMIC/.test(line))).toBe(false)
    expect(readelf('-d')).toMatch(/no dynamic section/)
    expect(readelf('-r')).toMatch(/no relocations/)
    expect(readelf('-h')).toMatch(/Type:\s+EXEC/)
  })

  test('has no memory that is writable and executable, and a stack that is not executable', () => {
    const flags = segments().map((line) => line.split(':', 2)[1] ?? '')
    expect(flags).toContain('R E')
    expect(flags.filter((each) => each.includes('W') && each.includes('E'))).toEqual([])
    expect(segments()).toContain('GNU_STACK:RW')
  })

  test('has no symbols, no libc, and is small', () => {
    expect(readelf('-s')).not.toMatch(/\b(printf|malloc|__libc_start_main|abort)\b/)
    const bytes = readFileSync(PROGRAM, 'latin1')
    expect(bytes).not.toMatch(/GLIBC_|musl|\/lib\/ld/)
    expect(statSync(PROGRAM).size).toBeLessThan(32 * 1024)
  })
})

describe('refuses', () => {
  const run = (options: Options) => {
    const { end, reports } = runPlan([STEP], { executor: 'davit-init', ...options })
    return { end, reports }
  }

  test('a plan of another build, before it does anything', () => {
    const change = (bytes: Buffer) => {
      bytes.writeUInt32LE((bytes.readUInt32LE(4) + 1) >>> 0, 4)
      return bytes
    }
    expect(run({ change })).toEqual({ end: 103, reports: [] })
  })

  test('what is no plan', () => {
    expect(run({ change: () => Buffer.from('no plan') }).end).toBe(101)
    expect(run({ change: () => Buffer.alloc(4096) }).end).toBe(102)
    expect(run({ change: () => Buffer.alloc(0) }).end).toBe(125)
  })

  test('fds that are not open', () => {
    const change = (bytes: Buffer) => {
      bytes.writeInt32LE(999, bytes.readUInt32LE(28) + 4)
      return bytes
    }
    expect(run({ change }).end).toBe(124)
  })

  test.each([
    ['no argument', [], 126],
    ['three arguments', ['3', '4', '5'], 126],
    ['a socket that nobody speaks on', ['3', '77'], 123],
    ['no number', ['3x'], 125],
    ['a closed fd', ['77'], 125],
  ])('%s', (_, args, status) => {
    let code: unknown
    try {
      execFileSync(PROGRAM, args, { stdio: 'ignore' })
    } catch (error) {
      code = (error as { status: number }).status
    }
    expect(code).toBe(status)
  })
})

describe('the stack guard', () => {
  const run = (length: number) => {
    const { smash } = nativeTests()
    const file = `${place()}/plan`
    writeFileSync(file, 'x'.repeat(length))
    const fd = openSync(file, 'r')
    try {
      return spawnSync(smash, ['3'], { stdio: ['ignore', 'ignore', 'ignore', fd] }).status
    } finally {
      closeSync(fd)
    }
  }

  test('has a value', () => expect(run(1)).toBe(107))
  test('is looked at: an overflow ends the process', () => expect(run(64)).toBe(134))
  test('lets a function that stays in its frame return', () => expect(run(16)).toBe(109))
})

test('ends with 1 when its plan ends without exec', () => {
  expect(runPlan([STEP], { executor: 'davit-init' })).toMatchObject({ end: 1, reports: [], stdout: '', stderr: '' })
})
