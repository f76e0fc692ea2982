/** What an `exec` takes from one before is, record by record, what it would be planned and encoded as by itself. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RuntimeError } from '../../../src/base/errors.ts'
import { keyOf } from '../../../src/lifecycle/exec_kept.ts'
import type { Runtime } from '../../../src/lifecycle/runtime.ts'
import { chdirStep, commandOf, execStep, findStep } from '../../../src/plan/command.ts'
import { buildExecPlan, type ExecInput } from '../../../src/plan/exec.ts'
import type { ProcessFacts } from '../../../src/plan/facts.ts'
import type { Process, Spec } from '../../../src/spec/types.gen.ts'
import type { ContainerRecord } from '../../../src/state/record.ts'
import { encodePlan } from '../../../src/wire/encode.ts'
import { commandRecords, emptyForm, fillForm } from '../../../src/wire/form.ts'
import { TABLE_HASH } from '../../../src/wire/hash.gen.ts'
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
    selinuxLabel: fc.constantFrom('', 'a:b:c:s0'),
    ioPriority: fc.constant({ class: 'IOPRIO_CLASS_BE', priority: 1 } as const),
    scheduler: fc.constantFrom({ policy: 'SCHED_BATCH', nice: 5 } as const, { policy: 'SCHED_IDLE' } as const),
    execCPUAffinity: fc.constantFrom({ initial: '0' }, { final: '0-1' }),
  },
  { requiredKeys: [] },
)

const request = fc.record({
  id: fc.constantFrom('c1', 'c2'),
  noNewKeyring: fc.boolean(),
  preserveFds: fc.constantFrom(0, 2),
  pidFile: fc.constantFrom<string>('/run/a', '/run/b'),
  mark: fc.constantFrom<string>('davit-mark-1234', 'davit-mark-9876'),
})

/** What is on the host, in the container and in its configuration, one thing after the other. */
const around = fc.record({
  request,
  join: fc.subarray(['user', 'pid', 'mount', 'time'] as const),
  into: fc.boolean(),
  tasks: fc.constantFrom<string[]>([], ['/sys/fs/cgroup/pids/c1/tasks']),
  rdtTasks: fc.constantFrom<string[]>([], ['/sys/fs/resctrl/c1/tasks']),
  pid: fc.constantFrom(77, 78),
  facts: fc.constantFrom<Partial<ProcessFacts>>(
    {},
    { nofile: ['1024', '4096'] },
    { boundingCaps: '20' },
    { lastCap: 5 },
    { euid: 1000, egid: 1000 },
    { setgroups: false },
    { arch: 'arm64' },
    { kernel: [5, 10] },
  ),
  linux: fc.constantFrom<Spec['linux']>(
    {},
    { personality: { domain: 'LINUX32' } },
    { memoryPolicy: { mode: 'MPOL_BIND', nodes: '0' } },
  ),
})

type Around = typeof around extends fc.Arbitrary<infer T> ? T : never

const AROUND: Around = {
  request: { id: 'c1', noNewKeyring: false, preserveFds: 0, pidFile: '/p', mark: 'davit-mark-1234' },
  ...{ join: [], into: false, tasks: [], rdtTasks: [], pid: 77, facts: {}, linux: {} },
}

function inputOf(who: Partial<Process>, what: Partial<Process>, rest: Around): ExecInput {
  const process = { ...CONFIG.process, cwd: '/', ...who, ...what }
  const seccomp = { program: Uint8Array.of(6, 0, 0, 0, 0, 0, 0xff, 0x7f), flags: 0 }
  const linux = { ...CONFIG.linux, ...rest.linux, seccomp: { defaultAction: 'SCMP_ACT_ALLOW' } } as const
  const { request, join, into, tasks, rdtTasks, pid } = rest
  const facts = { ...FACTS, apparmor: true, profiles: ['p'], selinux: true, ...rest.facts }
  return { spec: { ...CONFIG, process, linux }, facts, request, pid, join, cgroup: { tasks, into }, rdtTasks, seccomp }
}

/** The sum of a configuration is of all but the process. */
function key(input: ExecInput): string | undefined {
  const configSum = JSON.stringify(input.spec.linux)
  return keyOf({ edition: 'e' } as Runtime, { configSum } as ContainerRecord, input)
}

/** What fills the form for an exec. */
const fillingOf = ({ spec, request }: ExecInput) => ({ ...commandOf(spec.process ?? {}), mark: request.mark ?? '' })

/** The programs of an exec by itself, the fds of its presets from `first` on; the parent's part beside them. */
function encode(input: ExecInput, first: number) {
  const plan = buildExecPlan(input)
  const fds = new Map(plan.presets.map(({ slot }, i) => [slot, first + i]))
  const { bytes, steps } = encodePlan(plan, fds, input.facts.arch)
  const parent = plan.parent.filter(({ kind }) => kind !== 'pidFile')
  return { fds, bytes, plan, steps, parent: { parent, presets: plan.presets, keepFds: plan.keepFds } }
}

function shown(bytes: Uint8Array, { facts: { arch } }: ExecInput) {
  const { header, stage, init, slots, data } = disassemble(bytes, arch)
  expect([header.total, header.dataOff + header.dataLen]).toEqual([bytes.length, bytes.length])
  expect([bytes.length % 8, data.at(-1)]).toEqual([0, 0])
  return { stage: stage.map((one) => printRecord(one, data)), init: init.map((one) => printRecord(one, data)), slots }
}

const SETTINGS = { numRuns: 150, seed: 20260101 }

describe('the form of an exec', () => {
  test('filled in is what another of its key is encoded as', () => {
    let same = 0
    const pair = fc.tuple(fc.tuple(identity, command, around), command, request)
    fc.assert(
      fc.property(pair, ([[who, what, rest], other, { pidFile, mark }]) => {
        const first = inputOf(who, what, rest)
        const second = inputOf(who, other, { ...rest, request: { ...rest.request, pidFile, mark } })
        expect(key(first)).toBe(key(second))
        const { bytes: form } = encode(first, 10)
        const holes = emptyForm(form, first.request.mark ?? '')
        const { bytes, fds, plan, steps } = encode(second, 50)
        const filled = fillForm(form, holes, fds, fillingOf(second))
        expect(shown(filled as Uint8Array, second)).toEqual(shown(bytes, second))
        // What a failure of the command is told by.
        const { cwd, ...told } = fillingOf(second)
        const known = [chdirStep(cwd), findStep(told), execStep(told, plan.keepFds)].map(({ origin }) => origin)
        const of = commandRecords(form, holes)
        const words = of.map((index, record) => [plan.init[steps.init[record] as number]?.origin, known[index]])
        for (const [direct, kept] of Object.values(words)) expect(kept).toEqual(direct)
        same++
      }),
      SETTINGS,
    )
    expect(same).toBe(SETTINGS.numRuns)
  })

  test('has another key for whatever makes other programs', () => {
    const blank = { args: ['x'], env: [], cwd: '/' }
    const attempt = (input: ExecInput) => {
      try {
        return encode(input, 10)
      } catch (error) {
        if (error instanceof RuntimeError) return undefined // this machine refuses it
        throw error
      }
    }
    let others = 0
    fc.assert(
      fc.property(identity, around, identity, around, (who, rest, otherWho, otherRest) => {
        const first = inputOf(who, blank, rest)
        const made = attempt(first)
        // One thing at a time, or hardly any two would have one key.
        const { mark, pidFile, ...parts } = otherRest.request
        const identities = Object.entries(otherWho).map(([name, value]) =>
          inputOf({ ...who, [name]: value }, blank, rest),
        )
        const requests = Object.entries(parts).map(([name, value]) => ({ request: { ...rest.request, [name]: value } }))
        const { request: _, ...places } = otherRest
        const arounds = [...requests, ...Object.entries(places).map(([name, value]) => ({ [name]: value }))]
        const changed = arounds.map((change) => inputOf(who, blank, { ...rest, ...change }))
        for (const second of [...identities, ...changed]) {
          if (key(first) !== key(second)) others++
          if (key(first) !== key(second) || !made) continue
          const { bytes, parent } = attempt(second) ?? {}
          expect(parent).toEqual(made.parent)
          expect(shown(bytes as Uint8Array, second)).toEqual(shown(made.bytes, first))
        }
      }),
      SETTINGS,
    )
    expect(others).toBeGreaterThan(SETTINGS.numRuns)
  })

  test('has another key in another build, for another configuration, and when init is another', () => {
    const input = inputOf({}, { args: ['x'] }, AROUND)
    const of = (edition: string, record: object) => keyOf({ edition } as Runtime, record as ContainerRecord, input)
    const keys = [
      of('e', { configSum: 's', startTime: 1 }),
      of('f', { configSum: 's', startTime: 1 }),
      of('e', { configSum: 't', startTime: 1 }),
      of('e', { configSum: 's', startTime: 2 }),
    ]
    expect(new Set(keys).size).toBe(4)
    expect(keys[0]).toContain(`${TABLE_HASH}`)
  })

  test('keeps nothing of command and environment', () => {
    fc.assert(
      fc.property(identity, around, (who, rest) => {
        const what = { args: ['/secret-name', 'secret-word'], env: ['PASSWORD=secret-value'], cwd: '/' }
        const input = inputOf({ ...who, selinuxLabel: '' }, what, { ...rest, facts: {} })
        const { bytes } = encode(input, 10)
        expect(Buffer.from(bytes).includes('secret')).toBe(true)
        emptyForm(bytes, 'davit-mark')
        expect(Buffer.from(bytes).includes('secret')).toBe(false)
      }),
      { ...SETTINGS, numRuns: 50 },
    )
  })

  test('is not filled with a NUL, nor for other fds than it was made for', () => {
    const { bytes, fds } = encode(inputOf({}, { args: ['x'] }, AROUND), 10)
    const holes = emptyForm(bytes, '')
    expect(holes.mark).toEqual([])
    const good = { cwd: '/', args: ['x'], env: [], candidates: ['/x'], mark: 'm' }
    expect(fillForm(bytes, holes, fds, good)).toBeDefined()
    for (const bad of [{ args: ['a\0b'] }, { env: ['A=\0'] }, { cwd: '/\0' }, { candidates: ['\0'] }])
      expect(fillForm(bytes, holes, fds, { ...good, ...bad })).toBeUndefined()
    expect(fillForm(bytes, holes, new Map([...fds].slice(1)), good)).toBeUndefined()
    expect(fillForm(bytes, holes, new Map([...fds].map(([slot, fd]) => [slot + 1, fd])), good)).toBeUndefined()
  })
})
