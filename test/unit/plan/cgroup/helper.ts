import type { CgroupStep } from '../../../../src/plan/cgroup/model.ts'
import { type CgroupInput, planCgroup } from '../../../../src/plan/cgroup/plan.ts'
import type { CgroupFacts, CgroupV1Hierarchy } from '../../../../src/plan/facts.ts'
import type { Resources } from '../../../../src/spec/types.gen.ts'

const hierarchy = (name: string, own = '/'): CgroupV1Hierarchy => {
  return { mount: `/sys/fs/cgroup/${name}`, controllers: name.split(','), own }
}

const V1 = 'cpu,cpuacct cpuset memory devices freezer blkio pids hugetlb net_cls,net_prio rdma'.split(' ')

export const LEGACY: CgroupFacts = {
  mode: 'legacy',
  v1: [
    ...V1.map((name) => hierarchy(name)),
    { mount: '/sys/fs/cgroup/systemd', controllers: ['name=systemd'], own: '/' },
  ],
}

export const HYBRID: CgroupFacts = {
  mode: 'hybrid',
  v1: LEGACY.v1.filter(({ controllers }) => !controllers.includes('hugetlb')),
  v2: { mount: '/sys/fs/cgroup/unified', own: '/', controllers: ['hugetlb'] },
}

export const UNIFIED: CgroupFacts = {
  mode: 'unified',
  v1: [],
  v2: {
    mount: '/sys/fs/cgroup',
    own: '/user.slice/session-1.scope',
    controllers: 'cpuset cpu io memory hugetlb pids rdma'.split(' '),
  },
}

export function plan(resources: Resources | undefined, facts: CgroupFacts, more: Partial<CgroupInput> = {}) {
  return planCgroup({ id: 'c', cgroupsPath: '/c', resources, facts, rootless: false, ...more })
}

const OWN = /^(devices\.|cgroup\.subtree)/

/** What is written for `resources`, one line a step: file, value, and how it may fail. Devices and set-up left out. */
export function written(resources: Resources, facts: CgroupFacts): string[] {
  const { steps, late } = plan(resources, facts)
  return [...steps.map(line), ...late.map((step) => `late ${line(step)}`)].filter(
    (text) => text !== '' && !OWN.test(text),
  )
}

function line(step: CgroupStep): string {
  if (step.kind === 'check') return `check ${base(step.path)} < ${step.limit}`
  if (step.kind !== 'write') return ''
  const words = [`${base(step.path)} ${step.value}`]
  if (step.tolerate) words.push(`tolerate ${step.tolerate.join()}`)
  if (step.postpone) words.push(`postpone ${step.postpone.join()}`)
  if (step.ifAbsent) words.push(`else ${base(step.ifAbsent.path)} ${step.ifAbsent.value}`)
  return words.join(', ')
}

function base(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
