/** config.md#linux-process: scheduler, I/O priority, CPUs of exec. */
import { existsSync } from 'node:fs'
import { getPriority } from 'node:os'
import { refuses, sees } from '../declare.ts'
import { pidOf, statusOf } from '../look.ts'
import { type Case, expectSame, HostCannot } from '../suite.ts'

const LINUX = 'config.md#linux-process'

const newer = (crun: string) => ({
  runc: { versions: '<1.2', why: 'does not know it (specification 1.1)' },
  crun: { versions: crun, why: 'does not know it (specification 1.1)' },
})
const SCHEDULER = newer('<1.8.5')
const PRIORITY = newer('<1.8.6')

export const SCHEDULING: readonly Case[] = [
  ...(
    [
      ['SCHED_OTHER', { nice: 7 }, 0],
      ['SCHED_BATCH', { nice: 3 }, 3],
      ['SCHED_IDLE', {}, 5],
      ['SCHED_FIFO', { priority: 11 }, 1],
      ['SCHED_RR', { priority: 12 }, 2],
    ] as const
  ).map(
    ([policy, more, number]): Case => ({
      id: `scheduler-${policy.toLowerCase().replace('sched_', '')}`,
      clause: LINUX,
      asks: `scheduler policy ${policy} is that of the process`,
      deviations: SCHEDULER,
      test(subject) {
        if (/FIFO|RR/.test(policy) && existsSync('/sys/fs/cgroup/cpu/cpu.rt_runtime_us'))
          throw new HostCannot('realtime scheduling takes a share of a v1 cgroup (CONFIG_RT_GROUP_SCHED)')
        const bundle = subject.bundle('sleep 100', (config) => {
          config.ociVersion = '1.1.0'
          Object.assign(config.process ?? {}, { scheduler: { policy, ...more } })
        })
        subject.run(bundle)
        const stat = subject
          .kernel(`/proc/${pidOf(subject, bundle.id)}/stat`)
          .replace(/^.*\) /, '')
          .split(' ')
        // Without one in config.json the nice value is what the suite itself was started with.
        const nice = 'nice' in more ? more.nice : getPriority()
        expectSame(`${stat[16]} ${stat[38]}`, `${nice} ${number}`, 'nice and policy')
      },
    }),
  ),
  refuses(
    ['scheduler-unknown', LINUX, 'a policy that does not exist is an error'],
    { ociVersion: '1.1.0', process: { scheduler: { policy: 'SCHED_NOSUCH' } } },
    { late: true, deviations: SCHEDULER },
  ),
  ...(['IOPRIO_CLASS_RT', 'IOPRIO_CLASS_BE', 'IOPRIO_CLASS_IDLE'] as const).map((name) =>
    sees(
      [`io-priority-${name.slice(13).toLowerCase()}`, LINUX, `ioPriority ${name} is that of the process`],
      { ociVersion: '1.1.0', process: { ioPriority: { class: name, priority: name === 'IOPRIO_CLASS_IDLE' ? 0 : 6 } } },
      'busybox ionice -p $$',
      { IOPRIO_CLASS_RT: /^realtime: prio 6/, IOPRIO_CLASS_BE: /^best-effort: prio 6/, IOPRIO_CLASS_IDLE: /^idle/ }[
        name
      ],
      { deviations: PRIORITY },
    ),
  ),
  refuses(
    ['io-priority-unknown', LINUX, 'a class that does not exist is an error'],
    { ociVersion: '1.1.0', process: { ioPriority: { class: 'IOPRIO_CLASS_NOSUCH', priority: 0 } } },
    { late: true, deviations: PRIORITY },
  ),
  {
    id: 'exec-cpu-affinity-final',
    clause: LINUX,
    asks: 'execCPUAffinity.final is where a process of exec runs',
    deviations: {
      runc: { versions: '<1.3', why: 'does not know it (specification 1.2)' },
      crun: { seen: '1.8.1', why: 'does not know it (specification 1.2)' },
    },
    test(subject) {
      const own = statusOf(process.pid, 'Cpus_allowed_list')
      if (!/[,-]/.test(own)) throw new HostCannot('one CPU only')
      const last = own.split(/[,-]/).at(-1) ?? ''
      const bundle = subject.bundle('sleep 100', (config) => {
        config.ociVersion = '1.2.0'
        Object.assign(config.process ?? {}, { execCPUAffinity: { final: last } })
      })
      subject.run(bundle)
      expectSame(statusOf(pidOf(subject, bundle.id), 'Cpus_allowed_list'), own, 'CPUs of the first process')
      const { stdout } = subject.must('exec', bundle.id, '/bin/sh', '-c', 'grep Cpus_allowed_list /proc/self/status')
      expectSame(stdout.split('\t')[1]?.trim(), last, 'CPUs of exec')
    },
  },
  {
    id: 'exec-cpu-affinity-unset',
    clause: LINUX,
    asks: 'without execCPUAffinity.final CPUs SHOULD NOT be changed after the move to the cgroup',
    covers: ['config-exec-affinity-01'],
    test(subject) {
      const bundle = subject.bundle('sleep 100')
      subject.run(bundle)
      const { stdout } = subject.must('exec', bundle.id, '/bin/sh', '-c', 'grep Cpus_allowed_list /proc/self/status')
      expectSame(
        stdout.split('\t')[1]?.trim(),
        statusOf(pidOf(subject, bundle.id), 'Cpus_allowed_list'),
        'CPUs of exec',
      )
    },
  },
]
