/** pause, resume and events: no operations of the specification, but every engine’s. */
import { existsSync, readFileSync } from 'node:fs'
import { cgroupFile, cgroupOf, needController } from '../cgroups.ts'
import { hierarchies, isAlive, pause, within } from '../host.ts'
import { ofProcess, pidOf } from '../look.ts'
import { type Case, expect, expectSame } from '../suite.ts'

const PAUSE = 'command line of runc: pause'

const files = {
  1: { memory: 'memory.limit_in_bytes', pids: 'pids.max' },
  2: { memory: 'memory.max', pids: 'pids.max' },
}

const readOf = (path: string) => readFileSync(path, 'utf8')

/** Whether the kernel says that a process's cgroup is frozen: v1 and v2 both can, also beside each other. */
function frozen(pid: number): boolean {
  const lines = ofProcess(pid, 'cgroup').trim().split('\n')
  return hierarchies().some((mount) =>
    lines.some((line) => {
      const folder = mount + line.split(':').slice(2).join(':')
      const says = (file: string, word: RegExp) =>
        existsSync(`${folder}/${file}`) && word.test(readOf(`${folder}/${file}`))
      return says('freezer.state', /FROZEN/) || says('cgroup.events', /^frozen 1$/m)
    }),
  )
}

const counter = 'n=0; while :; do n=$((n+1)); echo $n >/count; sleep 0.02; done'

export const PAUSES: readonly Case[] = [
  {
    id: 'pause-freezes',
    clause: PAUSE,
    asks: 'a paused container does nothing, and says so; resumed, it goes on',
    covers: ['runtime-state-05'],
    test(subject) {
      needController('freezer')
      const bundle = subject.bundle(counter)
      subject.run(bundle)
      const pid = pidOf(subject, bundle.id)
      within(() => bundle.read('count') !== '')
      subject.must('pause', bundle.id)
      expectSame(subject.state(bundle.id).status, 'paused', 'status')
      expect(frozen(pid), 'the kernel does not say that the cgroup is frozen')
      const count = bundle.read('count')
      pause(300)
      expectSame(bundle.read('count'), count, 'the count, 300 ms later')
      subject.must('resume', bundle.id)
      expectSame(subject.state(bundle.id).status, 'running', 'status after resume')
      expect(
        within(() => bundle.read('count') !== count && bundle.read('count') !== ''),
        'the program does not go on',
      )
    },
  },
  {
    id: 'pause-created',
    clause: PAUSE,
    asks: 'pause of a stopped container is an error',
    test(subject) {
      const bundle = subject.bundle('true')
      subject.run(bundle)
      subject.await(bundle.id, 'stopped')
      subject.mustFail(['pause', bundle.id], 'it is stopped')
      expectSame(subject.state(bundle.id).status, 'stopped', 'status')
    },
  },
  {
    id: 'resume-running',
    clause: 'command line of runc: resume',
    asks: 'resume of a container that is not paused is an error',
    deviations: { crun: { seen: '1.8.1', why: 'reports success, and does nothing' } },
    test(subject) {
      const bundle = subject.bundle('sleep 100')
      subject.run(bundle)
      subject.mustFail(['resume', bundle.id], 'it is not paused')
      pidOf(subject, bundle.id)
    },
  },
  {
    id: 'pause-exec',
    clause: 'command line of runc: exec --ignore-paused',
    asks: 'exec in a paused container is an error, and makes no process',
    test(subject) {
      needController('freezer')
      const bundle = subject.bundle('sleep 100')
      subject.run(bundle)
      const pid = pidOf(subject, bundle.id)
      subject.must('pause', bundle.id)
      subject.mustFail(['exec', '--detach', bundle.id, 'sleep', '50'], 'it is paused')
      expectSame(
        readOf(`${cgroupOf(pid, 'freezer')}/cgroup.procs`)
          .trim()
          .split('\n').length,
        1,
        'processes in the container',
      )
      subject.must('resume', bundle.id)
    },
  },
  {
    id: 'pause-kill',
    clause: 'runtime.md#kill',
    asks: 'a paused container can be killed for good: by force, all of it',
    test(subject) {
      needController('freezer')
      const bundle = subject.bundle('sleep 300 & sleep 300')
      subject.run(bundle)
      const pid = pidOf(subject, bundle.id)
      subject.must('pause', bundle.id)
      subject.must('delete', '--force', bundle.id)
      expect(!isAlive(pid), 'the process is alive')
      expectSame(subject.leftOf(bundle), [], 'left')
    },
  },
  {
    id: 'events-stats',
    clause: 'command line of runc: events',
    asks: 'events --stats is one line of JSON with what the container uses',
    deviations: { crun: { seen: '1.8.1', why: 'has no events' } },
    test(subject) {
      const { version } = needController('pids')
      const bundle = subject.bundle('sleep 300 & sleep 300 & echo >/up; sleep 300', (config) => {
        config.linux.resources = { pids: { limit: 77 } }
      })
      subject.run(bundle)
      const pid = pidOf(subject, bundle.id)
      within(() => bundle.read('up') !== '')
      const event = JSON.parse(subject.must('events', '--stats', bundle.id).stdout) as {
        type: string
        id: string
        data: {
          pids: { current: number; limit: number }
          cpu: { usage: { total: number } }
          memory: { usage: { usage: number } }
        }
      }
      expectSame([event.type, event.id], ['stats', bundle.id], 'type and id')
      expectSame(event.data.pids.limit, 77, 'pids.limit')
      const count = Number(cgroupFile(subject, pid, 'pids', files[version].pids.replace('max', 'current')))
      expect(
        event.data.pids.current >= 3 && count >= 3,
        `pids.current is ${event.data.pids.current}, the kernel says ${count}`,
      )
      expect(event.data.cpu.usage.total > 0, 'cpu.usage.total is 0')
      expect(event.data.memory.usage.usage > 0, 'memory.usage.usage is 0')
      expect(ofProcess(pid, 'stat') !== '', 'the process has gone')
    },
  },
]
