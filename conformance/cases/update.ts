/** update by resources, and when it is refused: no operation of the specification, but every engine’s. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cgroupFile, needController } from '../cgroups.ts'
import { pidOf } from '../look.ts'
import { type Case, expect, expectSame } from '../suite.ts'
import { PAUSES } from './pause.ts'
import { FLAGS } from './update_flags.ts'

const UPDATE = 'command line of runc: update'

const files = {
  1: { memory: 'memory.limit_in_bytes', pids: 'pids.max' },
  2: { memory: 'memory.max', pids: 'pids.max' },
}

const limits = (pids: number, memory: number) => ({ pids: { limit: pids }, memory: { limit: memory } })

const RESOURCES: readonly Case[] = [
  ...(['a file', 'stdin'] as const).map(
    (from): Case => ({
      id: `update-resources-${from.replace('a ', '')}`,
      clause: UPDATE,
      asks: `--resources takes linux.resources as JSON from ${from}`,
      test(subject) {
        const [memory, pids] = [needController('memory'), needController('pids')]
        const bundle = subject.bundle('sleep 100', (config) => {
          config.linux.resources = limits(50, 134_217_728)
        })
        subject.run(bundle)
        const pid = pidOf(subject, bundle.id)
        const text = JSON.stringify(limits(33, 67_108_864))
        const path = join(bundle.path, 'resources.json')
        writeFileSync(path, text)
        const { ok, stderr } = subject.callAs(
          from === 'stdin' ? { input: text } : {},
          'update',
          '--resources',
          from === 'stdin' ? '-' : path,
          bundle.id,
        )
        expect(ok, `update failed: ${stderr.trim()}`)
        expectSame(cgroupFile(subject, pid, 'memory', files[memory.version].memory), '67108864\n', 'memory')
        expectSame(cgroupFile(subject, pid, 'pids', files[pids.version].pids), '33\n', 'pids')
      },
    }),
  ),
  {
    id: 'update-keeps-others',
    clause: UPDATE,
    asks: 'what update does not mention stays as it was',
    test(subject) {
      const [memory, pids] = [needController('memory'), needController('pids')]
      const bundle = subject.bundle('sleep 100', (config) => {
        config.linux.resources = limits(50, 134_217_728)
      })
      subject.run(bundle)
      const pid = pidOf(subject, bundle.id)
      subject.must('update', '--pids-limit', '44', bundle.id)
      expectSame(cgroupFile(subject, pid, 'pids', files[pids.version].pids), '44\n', 'pids')
      expectSame(cgroupFile(subject, pid, 'memory', files[memory.version].memory), '134217728\n', 'memory')
    },
  },
  {
    id: 'update-created',
    clause: UPDATE,
    asks: 'a created container can be updated, and starts with the new limits',
    test(subject) {
      const { version } = needController('pids')
      const bundle = subject.bundle('sleep 100')
      subject.create(bundle)
      subject.must('update', '--pids-limit', '23', bundle.id)
      subject.must('start', bundle.id)
      expectSame(cgroupFile(subject, pidOf(subject, bundle.id), 'pids', files[version].pids), '23\n', 'pids')
    },
  },
  {
    id: 'update-unknown',
    clause: UPDATE,
    asks: 'update of a container that does not exist is an error',
    test(subject) {
      subject.mustFail(['update', '--pids-limit', '23', 'conf-unknown'], 'there is no such container')
    },
  },
  {
    id: 'update-refused-keeps',
    clause: 'runtime.md#errors',
    asks: 'an update that the kernel refuses is an error, and the container runs on',
    test(subject) {
      needController('cpuset')
      const bundle = subject.bundle('sleep 100')
      subject.run(bundle)
      const pid = pidOf(subject, bundle.id)
      subject.mustFail(['update', '--cpuset-cpus', '4095', bundle.id], 'the machine has no such CPU')
      expectSame(pidOf(subject, bundle.id), pid, 'pid')
    },
  },
]

export const UPDATES: readonly Case[] = [...FLAGS, ...RESOURCES, ...PAUSES]
