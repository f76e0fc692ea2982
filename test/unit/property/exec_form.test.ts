/** What an `exec` takes from one before is, record by record, what it would be planned and encoded as by itself. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { keyOf } from '../../../src/lifecycle/exec_kept.ts'
import type { Runtime } from '../../../src/lifecycle/runtime.ts'
import { executableCandidates, lastOfEach } from '../../../src/plan/environment.ts'
import { buildExecPlan, type ExecInput } from '../../../src/plan/exec.ts'
import type { Process } from '../../../src/spec/types.gen.ts'
import type { ContainerRecord } from '../../../src/state/record.ts'
import { encodePlan } from '../../../src/wire/encode.ts'
import { emptyForm, fillForm } from '../../../src/wire/form.ts'
import { CONFIG, FACTS } from '../plan/base.ts'
import { disassemble, printRecord } from '../wire/disassemble.ts'

const word = fc.string({ unit: 'grapheme', maxLength: 12 }).map((text) => text.replaceAll('\0', ''))
const command: fc.Arbitrary<Partial<Process>> = fc.record({
  args: fc
    .tuple(fc.constantFrom('sh', '/bin/sh', './run', 'a b'), fc.array(word))
    .map(([name, rest]) => [name, ...rest]),
  env: fc.array(fc.oneof(word, fc.constantFrom('PATH=/a::/b', 'PATH=', 'A=1', 'A=2', 'HOME=/root'))),
  cwd: fc.constantFrom('/', '/tmp', '/proc', '/ä'),
})

/** Few values each, so that many pairs have one key. */
const identity: fc.Arbitrary<Partial<Process>> = fc.record(
  {
    user: fc.constantFrom(
      { uid: 0, gid: 0 },
      { gid: 0, uid: 0, additionalGids: [] },
      { uid: 0, gid: 0, additionalGids: [7] },
      { uid: 0, gid: 0, umask: 0o77 },
      { uid: 5, gid: 6 },
    ),
    noNewPrivileges: fc.boolean(),
    oomScoreAdj: fc.constantFrom(0, 100),
    rlimits: fc.constantFrom([], [{ type: 'RLIMIT_NOFILE', soft: 10, hard: 20 }]),
    capabilities: fc.constantFrom({}, { bounding: ['CAP_KILL'] }, { bounding: ['CAP_KILL'], ambient: ['CAP_KILL'] }),
    apparmorProfile: fc.constantFrom('', 'p'),
    ioPriority: fc.constantFrom({ class: 'IOPRIO_CLASS_BE', priority: 1 } as const),
  },
  { requiredKeys: [] },
)

const request = fc.record({
  id: fc.constant<string>('c1'),
  noNewKeyring: fc.boolean(),
  preserveFds: fc.constantFrom(0, 2),
  pidFile: fc.constantFrom<string>('/run/a', '/run/b'),
  mark: fc.constant<string>('davit-mark-1234'),
})
const around = fc.record({ request, join: fc.subarray(['user', 'pid', 'mount'] as const), into: fc.boolean() })

type Around = typeof around extends fc.Arbitrary<infer T> ? T : never

function inputOf(who: Partial<Process>, what: Partial<Process>, rest: Around): ExecInput {
  const process = { ...CONFIG.process, cwd: '/', ...who, ...what }
  const seccomp = { program: Uint8Array.of(6, 0, 0, 0, 0, 0, 0xff, 0x7f), flags: 0 }
  const spec = { ...CONFIG, process, linux: { ...CONFIG.linux, seccomp: { defaultAction: 'SCMP_ACT_ALLOW' } } } as const
  const facts = { ...FACTS, apparmor: true, profiles: ['p'] }
  const cgroup = { tasks: rest.into ? [] : ['/sys/fs/cgroup/pids/c1/tasks'], into: rest.into }
  return { spec, facts, request: rest.request, pid: 77, join: rest.join, cgroup, seccomp }
}

const key = (input: ExecInput) => keyOf({ edition: 'e' } as Runtime, { configSum: 's' } as ContainerRecord, input)

/** The programs of an exec by itself, the fds of its presets from `first` on. */
const encode = (input: ExecInput, first: number) => {
  const plan = buildExecPlan(input)
  const fds = new Map(plan.presets.map(({ slot }, i) => [slot, first + i]))
  return { fds, bytes: encodePlan(plan, fds, 'x64').bytes }
}

function shown(bytes: Uint8Array) {
  const { header, stage, init, slots, data } = disassemble(bytes)
  expect([header.total, header.dataOff + header.dataLen]).toEqual([bytes.length, bytes.length])
  expect([bytes.length % 8, data.at(-1)]).toEqual([0, 0])
  return { stage: stage.map((one) => printRecord(one, data)), init: init.map((one) => printRecord(one, data)), slots }
}

const SETTINGS = { numRuns: 300, seed: 20260101 }

describe('the form of an exec', () => {
  test('filled in is what another of its key is encoded as', () => {
    let same = 0
    const pair = fc.tuple(fc.tuple(identity, command, around), fc.tuple(identity, command, around), fc.boolean())
    fc.assert(
      fc.property(pair, ([one, [who, what, rest], alike]) => {
        const first = inputOf(...one)
        const second = alike
          ? inputOf(one[0], what, { ...one[2], request: { ...one[2].request, pidFile: '/c' } })
          : inputOf(who, what, rest)
        const { bytes: form } = encode(first, 10)
        const { bytes, fds } = encode(second, 50)
        const { args = [], env = [], cwd = '' } = second.spec.process ?? {}
        const filling = { cwd, args, env: lastOfEach(env), candidates: executableCandidates(args[0] as string, env) }
        const filled = fillForm(form, emptyForm(form), fds, filling)
        if (key(first) !== key(second)) return
        same++
        expect(shown(filled as Uint8Array)).toEqual(shown(bytes))
      }),
      SETTINGS,
    )
    expect(same).toBeGreaterThan(SETTINGS.numRuns / 3)
  })

  test('has another key for whatever makes other programs', () => {
    const blank = { args: ['x'], env: [], cwd: '/' }
    fc.assert(
      fc.property(identity, around, identity, around, (who, rest, other, others) => {
        const first = inputOf(who, blank, rest)
        // One thing at a time, or hardly any two would have one key.
        const identities = Object.entries(other).map(([name, value]) => inputOf({ ...who, [name]: value }, blank, rest))
        const requests = Object.entries(others.request).map(([name, value]) => ({ ...rest.request, [name]: value }))
        const arounds = [{ join: others.join }, { into: others.into }, ...requests.map((request) => ({ request }))]
        const programs = shown(encode(first, 10).bytes)
        for (const second of [...identities, ...arounds.map((change) => inputOf(who, blank, { ...rest, ...change }))])
          if (key(first) === key(second)) expect(shown(encode(second, 10).bytes)).toEqual(programs)
      }),
      SETTINGS,
    )
  })

  test('keeps nothing of command and environment', () => {
    fc.assert(
      fc.property(identity, around, (who, rest) => {
        const what = { args: ['/secret-name', 'secret-word'], env: ['PASSWORD=secret-value'], cwd: '/' }
        const { bytes } = encode(inputOf(who, what, rest), 10)
        expect(Buffer.from(bytes).includes('secret')).toBe(true)
        emptyForm(bytes)
        expect(Buffer.from(bytes).includes('secret')).toBe(false)
      }),
      { ...SETTINGS, numRuns: 50 },
    )
  })

  test('is not filled with a NUL, nor for other fds than it was made for', () => {
    const { bytes, fds } = encode(
      inputOf(
        {},
        { args: ['x'] },
        { request: { id: 'c1', noNewKeyring: false, preserveFds: 0, pidFile: '/p', mark: 'm' }, join: [], into: false },
      ),
      10,
    )
    const holes = emptyForm(bytes)
    const good = { cwd: '/', args: ['x'], env: [], candidates: ['/x'] }
    expect(fillForm(bytes, holes, fds, good)).toBeDefined()
    for (const bad of [{ args: ['a\0b'] }, { env: ['A=\0'] }, { cwd: '/\0' }, { candidates: ['\0'] }])
      expect(fillForm(bytes, holes, fds, { ...good, ...bad })).toBeUndefined()
    expect(fillForm(bytes, holes, new Map([...fds].slice(1)), good)).toBeUndefined()
    expect(fillForm(bytes, holes, new Map([...fds].map(([slot, fd]) => [slot + 1, fd])), good)).toBeUndefined()
  })
})
