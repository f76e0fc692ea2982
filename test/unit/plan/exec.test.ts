/** The plan of exec: the whole of one, and what must hold of all. */
import { describe, expect, test } from 'vitest'
import { NAMESPACES, type NamespaceType } from '../../../src/kernel/namespaces.ts'
import { PR_SET_DUMPABLE } from '../../../src/kernel/prctl.ts'
import { checkPlan } from '../../../src/plan/check.ts'
import { buildExecPlan, type ExecInput } from '../../../src/plan/exec.ts'
import { printPlan } from '../../../src/plan/print.ts'
import type { ChildStep } from '../../../src/plan/step.ts'
import { encodePlan } from '../../../src/wire/encode.ts'
import { CONFIG, FACTS } from './base.ts'

const TYPES = Object.keys(NAMESPACES) as NamespaceType[]

function input(join: readonly NamespaceType[], process: object = {}, request: object = {}): ExecInput {
  const spec = { ...CONFIG, process: { ...CONFIG.process, cwd: '/', ...process } }
  const cgroup = { tasks: ['/sys/fs/cgroup/pids/c1/tasks'], into: true }
  return {
    spec,
    facts: FACTS,
    request: { id: 'c1', noNewKeyring: false, preserveFds: 0, ...request },
    pid: 77,
    join,
    cgroup,
  }
}

/** All subsets of the types. */
const subsets = Array.from({ length: 2 ** TYPES.length }, (_, bits) => TYPES.filter((_type, i) => bits & (1 << i)))

const isDumpable = (step: ChildStep | undefined) =>
  step?.kind === 'prctl' && step.option === PR_SET_DUMPABLE && step.args[0] === 0

describe('the plan of exec', () => {
  test('whole, with a terminal, a user and a pid file', async () => {
    const process = { terminal: true, user: { uid: 1000, gid: 1000 }, oomScoreAdj: 100 }
    const plan = buildExecPlan(input(['mount', 'network', 'pid', 'user'], process, { pidFile: '/run/pid' }))
    await expect(printPlan(plan)).toMatchFileSnapshot('exec_plan.txt')
  })

  test('waits to be put into a unit of systemd before it enters anything', () => {
    const plan = buildExecPlan({ ...input(['mount', 'pid']), cgroup: { tasks: [], into: false, unit: {} } })
    checkPlan(plan)
    expect(plan.parent.slice(0, 4).map(({ kind }) => kind)).toEqual(['launch', 'await', 'enterUnit', 'answer'])
    const sync = plan.stage.findIndex((step) => step.kind === 'sync' && step.tag === 'cgroup')
    expect(sync).toBeGreaterThan(plan.stage.findIndex(isDumpable))
    expect(sync).toBeLessThan(plan.stage.findIndex(({ kind }) => kind === 'join' || kind === 'fork'))
  })

  test('holds for every set of namespaces, with and without a terminal', () => {
    for (const join of subsets) {
      for (const terminal of [false, true]) {
        const plan = buildExecPlan(input(join, { terminal, user: { uid: 5 } }))
        checkPlan(plan)
        encodePlan(plan, new Map(plan.presets.map(({ slot }, i) => [slot, 10 + i])), 'x64')
        const steps = [...plan.stage, ...plan.init]
        // Nothing is mounted, no clock is set, and no namespace made.
        expect(
          steps.filter(({ kind }) => ['attach', 'place', 'fsmount', 'unshare', 'pivotRoot'].includes(kind)),
        ).toEqual([])
        expect(steps.some((step) => step.kind === 'chroot')).toBe(!join.includes('mount'))
      }
    }
  })

  test('CVE-2016-9962: non-dumpable before it joins, and at once after what makes the kernel forget it', () => {
    for (const join of subsets) {
      const plan = buildExecPlan(input(join, { user: { uid: 5, gid: 6 } }))
      for (const steps of [plan.stage, plan.init].filter((program) => program.length > 0)) {
        const first = steps.findIndex(isDumpable)
        const early = steps.slice(0, first).map(({ kind }) => kind)
        expect(early.filter((kind) => kind !== 'write')).toEqual([])
        for (const [i, step] of steps.entries()) {
          const user = step.kind === 'joinProcess' && step.names.includes('user')
          if (step.kind !== 'setuid' && !user) continue
          const next = steps.slice(i + 1).find(({ kind }) => kind !== 'close')
          expect(isDumpable(next), `after ${step.kind} ${i} with ${join}`).toBe(true)
        }
      }
    }
  })
})
