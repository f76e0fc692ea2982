import { describe, expect, test } from 'vitest'
import { checkPlan } from '../../../src/plan/check.ts'
import { SLOT } from '../../../src/plan/context.ts'
import type { ChildStep, HostStep, Plan } from '../../../src/plan/step.ts'
import { WIRE } from '../../../src/wire/ops.ts'
import { planOf } from './base.ts'
import { SAMPLES } from './samples.ts'

const STAGED = SAMPLES.joined
const HOOKS = { config: { hooks: { prestart: [{ path: '/h' }], startContainer: [{ path: '/h' }] } } }

const close = (slot: number): ChildStep => ({ kind: 'close', slot })
const isKind = (kind: string) => (step: { readonly kind: string }) => step.kind === kind

/** The list with something before the first (or last) step of a kind. */
function insert<T extends { readonly kind: string }>(list: readonly T[], kind: string, ...steps: readonly T[]): T[] {
  const at = list.findIndex(isKind(kind))
  if (at < 0) throw new Error(`no ${kind}`)
  return [...list.slice(0, at), ...steps, ...list.slice(at)]
}

function without<T extends { readonly kind: string }>(list: readonly T[], kind: string): T[] {
  return list.filter((step) => step.kind !== kind)
}

function broken(patch: Parameters<typeof planOf>[0], change: (plan: Plan) => Partial<Plan>): () => void {
  const plan = planOf(patch)
  checkPlan(plan) // whole before it is broken
  return () => checkPlan({ ...plan, ...change(plan) })
}

test.each(Object.entries(SAMPLES))('the planners keep every invariant: %s', (_, patch) => {
  checkPlan(planOf(patch))
})

describe('slots', () => {
  test('used before anything is in them', () => {
    const breaks = broken({}, ({ init }) => ({
      init: init.filter((step) => !('out' in step && step.out === SLOT.nullDevice)),
    }))
    expect(breaks).toThrow(`uses empty slot ${SLOT.nullDevice}`)
    expect(broken({}, ({ presets }) => ({ presets: presets.filter(({ slot }) => slot !== SLOT.hostProc) }))).toThrow(
      `uses empty slot ${SLOT.hostProc}`,
    )
  })

  test('used after a close', () => {
    const breaks = broken({}, ({ init }) => ({ init: insert(init, 'pivotRoot', close(SLOT.root)) }))
    expect(breaks).toThrow(`(pivotRoot) uses empty slot ${SLOT.root}`)
  })

  test('used after an attach that took them', () => {
    const again: ChildStep = { kind: 'setAttributes', slot: 9, recursive: false, set: 1, clear: 0 }
    expect(broken({}, ({ init }) => ({ init: insert(init, 'pivotRoot', again) }))).toThrow('uses empty slot 9')
  })

  test('a close that a jump passes over does not count', () => {
    const steps: ChildStep[] = [
      { kind: 'jump', skip: 1 },
      { kind: 'umask', mask: 0, tolerate: ['EPERM'], skip: 1 },
      close(SLOT.root),
    ]
    const reachable: ChildStep[] = [{ kind: 'umask', mask: 0, tolerate: ['EPERM'], skip: 1 }, close(SLOT.root)]
    expect(broken({}, ({ init }) => ({ init: insert(init, 'pivotRoot', ...reachable) }))).not.toThrow()
    expect(broken({}, ({ init }) => ({ init: insert(init, 'pivotRoot', ...steps) }))).toThrow(
      /umask\) is never reached/,
    )
  })

  test('an empty slot is fine where the step says so', () => {
    const use: ChildStep = { kind: 'writeSlot', slot: 77, data: '0' }
    const inserted = (step: ChildStep) => broken({}, ({ init }) => ({ init: insert(init, 'setsid', step) }))
    expect(inserted(use)).toThrow('uses empty slot 77')
    expect(inserted({ ...use, ifOpen: true })).not.toThrow()
    expect(inserted({ ...use, tolerate: ['EBADF'] })).not.toThrow()
  })

  test.each([
    ['open', { kind: 'open', out: 9, dir: 70, path: 'x', flags: 0 }],
    ['makePath', { kind: 'makePath', out: 9, root: 70, path: 'x', type: 'directory', mode: 0 }],
    ['like', { kind: 'makePath', out: 9, root: 1, path: 'x', type: { like: 70 }, mode: 0 }],
    ['attach to', { kind: 'attach', mount: 1, to: 70 }],
    ['attach', { kind: 'attach', mount: 70, to: 1 }],
    ['place', { kind: 'place', mount: 70, root: 1, path: '/x', type: 'file' }],
    ['mode like', { kind: 'fsmount', out: 9, type: 'x', options: [], attributes: 0, modeLike: 70 }],
    ['mask', { kind: 'maskPath', root: 1, path: '/x', nullDevice: 70, emptyTmpfs: 6 }],
    ['hook input', { kind: 'hook', path: '/h', args: [], env: [], stdin: 70, output: 0, errors: 0, timeout: 0 }],
    ['hook output', { kind: 'hook', path: '/h', args: [], env: [], stdin: 0, output: 70, errors: 70, timeout: 0 }],
    ['call', { kind: 'call', name: 'fchdir', args: [{ slot: 70 }] }],
    ['ioctl', { kind: 'ioctl', slot: 70, name: 'X', request: 1, value: 0 }],
  ] as [string, ChildStep][])('seen in every operand: %s', (_, step) => {
    expect(broken({}, ({ init }) => ({ init: insert(init, 'pivotRoot', step) }))).toThrow('uses empty slot 70')
  })

  test('two presets in one', () => {
    expect(broken({}, ({ presets }) => ({ presets: [...presets, { slot: 3, kind: 'startSocket' }] }))).toThrow(
      'two presets share a slot',
    )
  })

  test('what the stage closed is closed in init', () => {
    const used = planOf(STAGED).stage.find(isKind('join')) as Extract<ChildStep, { kind: 'join' }>
    const again: ChildStep = { kind: 'join', slot: used.slot, flag: used.flag, path: used.path }
    expect(broken(STAGED, ({ init }) => ({ init: insert(init, 'setsid', again) }))).toThrow('uses empty slot')
  })

  test('as many as the executor has; more is told in words', () => {
    const mounts = (count: number) =>
      Array.from({ length: count }, () => ({ destination: '/dev', type: 'tmpfs', options: ['ro'] }))
    expect(() => planOf({ config: { mounts: mounts(WIRE.slots - 16) } })).not.toThrow()
    expect(() => planOf({ config: { mounts: mounts(WIRE.slots - 15) } })).toThrow(
      /unsupported config.json: more than 496/,
    )
  })
})

describe('what leads to the host', () => {
  test.each(['root', 'hostProc', 'proc', 'nullDevice', 'dev'] as const)(
    '%s is closed before names are looked up',
    (name) => {
      const kept = (steps: readonly ChildStep[]) =>
        steps.filter((step) => !(step.kind === 'close' && step.slot === SLOT[name]))
      expect(broken({}, ({ init }) => ({ init: kept(init) }))).toThrow(`slot ${SLOT[name]} may lead to the host`)
    },
  )
})

describe('jumps', () => {
  const jump = (skip: number): ChildStep => ({ kind: 'jump', skip })

  test('past the end', () => {
    const breaks = broken({}, ({ init }) => ({ init: insert(init, 'exec', jump(2)) }))
    expect(breaks).toThrow(/\(jump\) skips past the end/)
    expect(broken(STAGED, ({ stage }) => ({ stage: insert(stage, 'fork', jump(2)) }))).toThrow(/stage .*past the end/)
  })

  test('without a reason', () => {
    const step: ChildStep = { kind: 'umask', mask: 0, skip: 1 }
    expect(broken({}, ({ init }) => ({ init: [step, ...init] }))).toThrow('skips without tolerating anything')
  })

  test('over a step that nothing else leads to', () => {
    const breaks = broken({}, ({ init }) => ({ init: insert(init, 'exec', jump(1), { kind: 'setsid' }) }))
    expect(breaks).toThrow(/\(setsid\) is never reached/)
  })
})

describe('syncs', () => {
  const awaits: HostStep = { kind: 'await', tag: 'hooks' }

  test('the child waits for nobody', () => {
    const sync: ChildStep = { kind: 'sync', tag: 'hooks', wait: true }
    expect(broken({}, ({ init }) => ({ init: [sync, ...init] }))).toThrow(
      'child syncs [hooks,created] but parent awaits [created]',
    )
    expect(broken(STAGED, ({ stage }) => ({ stage: [sync, ...stage] }))).toThrow('child syncs [hooks,idMaps')
  })

  test('the parent waits for nobody', () => {
    expect(broken({}, ({ parent }) => ({ parent: [...parent, awaits] }))).toThrow('but parent awaits [created,hooks]')
    expect(broken(HOOKS, ({ init }) => ({ init: without(init, 'sync') }))).toThrow('child syncs []')
  })

  test('in another order', () => {
    expect(broken(HOOKS, ({ parent }) => ({ parent: parent.toReversed() }))).toThrow(
      'but parent awaits [created,hooks]',
    )
  })

  test('no answer, or the wrong one', () => {
    expect(broken({}, ({ parent }) => ({ parent: without(parent, 'answer') }))).toThrow('but answers []')
  })

  test('a terminal that nobody takes', () => {
    const terminal = { config: { process: { terminal: true } } }
    expect(broken(terminal, ({ parent }) => ({ parent: without(parent, 'console') }))).toThrow(
      'child syncs [fd console',
    )
    expect(broken(terminal, ({ init }) => ({ init: without(init, 'sendFd') }))).toThrow('parent awaits [fd console')
  })
})

describe('order', () => {
  test.each([
    ['fsmount', { kind: 'fsmount', out: 9, type: 'tmpfs', options: [], attributes: 0 }],
    ['hostname', { kind: 'hostname', name: 'x' }],
    ['mknod', { kind: 'mknod', dir: 'cwd', path: 'x', mode: 0, device: [1, 3] }],
    ['setgroups', { kind: 'setgroups', gids: [] }],
  ] as [string, ChildStep][])('%s after the capabilities are gone', (kind, step) => {
    expect(broken({}, ({ init }) => ({ init: insert(init, 'findExecutable', step) }))).toThrow(
      `(${kind}) comes after the capabilities are dropped`,
    )
  })

  test('exec is the end', () => {
    expect(broken({}, ({ init }) => ({ init: [...init, { kind: 'setsid' }] }))).toThrow('exec is not the last step')
    expect(broken({}, ({ init }) => ({ init: without(init, 'exec') }))).toThrow('exec is not the last step')
  })

  test('the executable is looked up as the user', () => {
    const late = (init: readonly ChildStep[]) => {
      const find = init.find(isKind('findExecutable')) as ChildStep
      return insert(without(init, 'findExecutable'), 'capset', find)
    }
    expect(broken({}, ({ init }) => ({ init: without(init, 'findExecutable') }))).toThrow('final identity')
    expect(broken({}, ({ init }) => ({ init: late(init) }))).toThrow('final identity')
  })

  test('propagation belongs to the container', () => {
    const step: ChildStep = { kind: 'propagation', path: '/', flags: 1 << 19 }
    const breaks = broken(SAMPLES['no mount namespace'], ({ init }) => ({ init: [step, ...init] }))
    expect(breaks).toThrow('propagation is changed without a mount namespace')
  })
})

describe('filter', () => {
  const filter = { program: Uint8Array.of(6, 0, 0, 0, 0, 0, 0xff, 0x7f), flags: 0 }
  const load: ChildStep = { kind: 'filter', ...filter }
  const HOOKED = SAMPLES['filtered hooks']

  test('nothing but exec after it, or hooks', () => {
    const late: ChildStep = { kind: 'setsid' }
    expect(broken({}, ({ init }) => ({ init: insert(init, 'exec', load, late) }))).toThrow(
      'setsid comes after the seccomp filter',
    )
    expect(broken(HOOKED, ({ init }) => ({ init: insert(init, 'hook', late) }))).toThrow(
      'setsid comes after the seccomp filter',
    )
  })

  test('one', () => {
    expect(broken(SAMPLES.filtered, ({ init }) => ({ init: insert(init, 'exec', load) }))).toThrow(
      /each load a seccomp filter/,
    )
  })

  test('CAP_SYS_ADMIN is kept for it, and for nothing else', () => {
    expect(broken({}, ({ init }) => ({ init: keepingAll(init) }))).toThrow('CAP_SYS_ADMIN is kept')
    const dropping = (init: readonly ChildStep[]) =>
      init.map((step) => (step.kind === 'capset' ? (({ keep: _, ...rest }) => rest)(step) : step))
    expect(broken(SAMPLES.filtered, ({ init }) => ({ init: dropping(init) }))).toThrow('CAP_SYS_ADMIN is not kept')
    const unfiltered = (init: readonly ChildStep[]) =>
      init.map((step) => (step.kind === 'exec' ? (({ filter: _, ...rest }) => rest)(step) : step))
    expect(broken(SAMPLES.filtered, ({ init }) => ({ init: unfiltered(init) }))).toThrow('CAP_SYS_ADMIN is kept')
  })

  test('an agent that nobody gives the listener to', () => {
    const asked = SAMPLES['filtered by an agent']
    const silent = broken(asked, ({ parent }) => ({ parent: without(parent, 'listener') }))
    expect(silent).toThrow('child syncs [created,listener] but parent awaits [created]')
    const deaf = broken(asked, ({ init }) => ({
      init: init.map((step) => (step.kind === 'exec' ? { ...step, filter } : step)),
    }))
    expect(deaf).toThrow('child syncs [created] but parent awaits [created,listener]')
  })

  test('hooks under it have what they are to have', () => {
    const last = (init: readonly ChildStep[]) =>
      init.filter((step, i) => step.kind !== 'capset' || i < init.findLastIndex(isKind('capset')))
    expect(broken(HOOKED, ({ init }) => ({ init: last(init) }))).toThrow('hooks run with CAP_SYS_ADMIN kept')
    expect(broken(HOOKED, ({ init }) => ({ init: keepingAll(init) }))).toThrow('hooks run with CAP_SYS_ADMIN kept')
  })
})

function keepingAll(init: readonly ChildStep[]): ChildStep[] {
  return init.map((step) => (step.kind === 'capset' ? { ...step, keep: { low: 1 << 21, high: 0 } } : step))
}
