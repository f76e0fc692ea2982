import { expect, test } from 'vitest'
import { buildExecPlan } from '../../../src/plan/exec.ts'
import { printStep } from '../../../src/plan/print.ts'
import type { CpuAffinity } from '../../../src/spec/types.gen.ts'
import { CONFIG, FACTS } from './base.ts'

/** The steps that the CPUs are a matter of, and those around them. */
function steps(execCPUAffinity?: CpuAffinity): string[] {
  const process = { cwd: '/', args: ['sh'], ...(execCPUAffinity ? { execCPUAffinity } : {}) }
  const plan = buildExecPlan({
    spec: { ...CONFIG, process },
    facts: FACTS,
    request: { id: 'c1', noNewKeyring: true, preserveFds: 0 },
    pid: 77,
    join: ['mount'],
    cgroup: { tasks: ['/sys/fs/cgroup/cpuset/c1/tasks'], into: false },
  })
  const kinds = ['affinity', 'anyCpu', 'writeSlot', 'joinProcess', 'exec']
  return [...plan.stage, ...plan.init].filter(({ kind }) => kinds.includes(kind)).map(printStep)
}

const ENTER = 'write "0" to slot 16 (if open)  # /linux/cgroupsPath'
const REST = ['setns slot 17 [mount]', 'exec ["sh"]  # /process/args/0']
const step = (which: string, cpus: string) => `sched_setaffinity to ${cpus}  # /process/execCPUAffinity/${which}`

test.each<[string, CpuAffinity | undefined, readonly string[]]>([
  ['none', undefined, [ENTER, 'sched_setaffinity to every CPU tolerate ENOSYS,EPERM']],
  ['empty', { initial: '', final: '' }, [ENTER, 'sched_setaffinity to every CPU tolerate ENOSYS,EPERM']],
  ['both', { initial: '0', final: '1-2' }, [step('initial', '0'), ENTER, step('final', '1-2')]],
  // As with runc it then stays.
  ['initial', { initial: '0' }, [step('initial', '0'), ENTER]],
  ['final', { final: '1' }, [ENTER, step('final', '1')]],
])('CPUs of exec: %s', (_, affinity, expected) => {
  expect(steps(affinity)).toEqual([...expected, ...REST])
})
