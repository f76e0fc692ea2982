/** runtime.md#create */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isAlive } from '../host.ts'
import { type Case, expect, expectSame } from '../suite.ts'

export const CREATE: readonly Case[] = [
  {
    id: 'create-does-not-run',
    clause: 'runtime.md#create',
    asks: 'process.args MUST NOT be applied until triggered by the start operation',
    covers: [
      'runtime-lifecycle-04',
      'runtime-create-04',
      'runtime-create-06',
      'runtime-scope-01',
      'runtime-operations-01',
    ],
    test(subject) {
      const bundle = subject.bundle('touch /ran; sleep 100')
      subject.create(bundle)
      const state = subject.state(bundle.id)
      expectSame(state.status, 'created', 'status after create')
      expect(isAlive(state.pid ?? 0), `no process ${state.pid} after create`)
      expect(!existsSync(join(bundle.rootfs, 'ran')), 'the program ran before start')
      subject.must('start', bundle.id)
      subject.await(bundle.id, 'running')
    },
  },
  {
    id: 'create-needs-bundle',
    clause: 'runtime.md#create',
    asks: 'create MUST generate an error if it is not provided a path to the bundle, and no container is created',
    covers: ['runtime-create-01'],
    test(subject) {
      const bundle = subject.bundle('true')
      subject.mustFail(['create', '--bundle', `${bundle.path}/missing`, bundle.id], 'there is no such bundle')
      expect(!subject.exists(bundle.id), 'a container was created')
    },
  },
  {
    id: 'create-unique-id',
    clause: 'runtime.md#create',
    asks: 'an id in use MUST generate an error, a new container MUST NOT be created; the first is left as it is',
    covers: ['runtime-state-03', 'runtime-create-02', 'runtime-create-03'],
    test(subject) {
      const first = subject.bundle('touch /first; sleep 100')
      const second = subject.bundle('touch /second')
      subject.create(first)
      const before = subject.state(first.id)
      subject.mustFail(['create', '--bundle', second.path, first.id], 'the id is in use')
      expectSame(subject.state(first.id), before, 'state of the first container')
      expect(isAlive(before.pid ?? 0), 'the first container died')
      subject.must('start', first.id)
      subject.await(first.id, 'running')
    },
  },
  {
    id: 'create-invalid-id',
    clause: 'runtime.md#create',
    asks: 'an id that is not valid MUST generate an error and a new container MUST NOT be created',
    covers: ['runtime-create-02', 'runtime-create-03'],
    deviations: { crun: { versions: '<1.28', why: 'takes an absolute path for an id' } },
    test(subject) {
      const bundle = subject.bundle('true')
      for (const id of ['', '.', '..', '../escape', 'a/b', '/abs', 'a b', 'a\nb']) {
        const { ok } = subject.call('create', '--bundle', bundle.path, id)
        if (ok) subject.call('delete', '--force', id)
        expect(!ok, `create succeeded: the id is ${JSON.stringify(id)}`)
      }
      expectSame(subject.leftOf(bundle), [], 'left')
    },
  },
  {
    id: 'create-failure-leaves-nothing',
    clause: 'runtime.md#errors',
    asks: 'generating an error MUST leave the state of the environment as if the operation were never attempted',
    covers: ['runtime-lifecycle-02', 'runtime-errors-01', 'runtime-create-07', 'runtime-create-08'],
    test(subject) {
      const bundle = subject.bundle('true', (config) => {
        config.mounts.push({ destination: '/mnt', type: 'no-such-filesystem', source: 'none' })
      })
      subject.mustFail(['create', '--bundle', bundle.path, bundle.id], 'a mount is impossible')
      expect(!subject.exists(bundle.id), 'the container exists')
      expectSame(subject.leftOf(bundle), [], 'left')
      bundle.configure((config) => config.mounts.pop())
      subject.create(bundle)
    },
  },
  {
    id: 'create-freezes-config',
    clause: 'runtime.md#lifecycle',
    asks: 'any updates to config.json after create MUST NOT affect the container',
    covers: ['runtime-lifecycle-05'],
    test(subject) {
      const bundle = subject.bundle('cat /proc/sys/kernel/hostname >/name')
      subject.create(bundle)
      bundle.configure((config) => {
        config.hostname = 'changed'
        if (config.process) config.process.args = ['/bin/touch', '/changed']
      })
      subject.must('start', bundle.id)
      subject.await(bundle.id, 'stopped')
      expectSame(bundle.read('name'), 'conformance\n', 'host name')
      expect(!existsSync(join(bundle.rootfs, 'changed')), 'the changed program ran')
    },
  },
  {
    id: 'create-pid-file',
    clause: 'command line of runc: --pid-file',
    asks: 'the pid file holds the pid of the container, and nothing else, when create returns',
    test(subject) {
      const bundle = subject.bundle('sleep 100')
      const path = join(bundle.path, 'pid')
      subject.create(bundle, '--pid-file', path)
      expectSame(readFileSync(path, 'utf8'), String(subject.state(bundle.id).pid), 'pid file')
    },
  },
]
