/** runtime.md: operations in every state, ids, bundles, and what an operation must leave alone. */
import { mkdirSync, readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { namespaceOf, pidOf } from '../look.ts'
import type { Subject } from '../subject.ts'
import { type Case, expect, expectSame } from '../suite.ts'
import { BUNDLES } from './bundles.ts'
import { KILLING } from './kill_force.ts'

/** Everything below the state folder of the runtime. */
const stateFiles = (subject: Subject) =>
  readdirSync(subject.root, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('conf-'))

const OPERATIONS: readonly Case[] = [
  {
    id: 'lifecycle-twice',
    clause: 'runtime.md#delete',
    asks: 'once a container is deleted its id may be used by a subsequent container',
    test(subject) {
      const bundle = subject.bundle('echo run >>/out')
      for (let turn = 1; turn <= 3; turn++) {
        subject.run(bundle)
        subject.await(bundle.id, 'stopped')
        subject.must('delete', bundle.id)
        expect(!subject.exists(bundle.id), 'the container exists after delete')
        expectSame(bundle.read('out'), 'run\n'.repeat(turn), 'output')
      }
    },
  },
  {
    id: 'lifecycle-two-at-once',
    clause: 'runtime.md#scope-of-a-container',
    asks: 'operations concern the container of that id and no other',
    covers: ['runtime-scope-01', 'runtime-state-03'],
    test(subject) {
      const [one, two] = [subject.bundle('sleep 100'), subject.bundle('sleep 100')]
      subject.run(one)
      subject.run(two)
      const [first, second] = [pidOf(subject, one.id), pidOf(subject, two.id)]
      expect(first !== second, `both have the pid ${first}`)
      subject.must('kill', one.id, 'KILL')
      subject.await(one.id, 'stopped')
      subject.must('delete', one.id)
      expectSame(pidOf(subject, two.id), second, 'pid of the other container')
      for (const name of ['pid', 'mnt', 'ipc', 'uts', 'net'])
        expect(namespaceOf(second, name) !== namespaceOf('self', name), `the other is in our ${name} namespace`)
    },
  },
  {
    id: 'lifecycle-exit-code-irrelevant',
    clause: 'runtime.md#lifecycle',
    asks: 'a program that ends, with an error or by a signal, makes the container stopped',
    test(subject) {
      for (const script of ['exit 0', 'exit 7', 'kill -SEGV $$', 'kill -TERM 1; exit 3']) {
        const bundle = subject.bundle(script)
        subject.run(bundle)
        subject.await(bundle.id, 'stopped')
        subject.must('delete', bundle.id)
      }
    },
  },
  {
    id: 'lifecycle-delete-twice',
    clause: 'runtime.md#delete',
    asks: 'delete of a container that has been deleted MUST generate an error',
    test(subject) {
      const bundle = subject.bundle('true')
      subject.run(bundle)
      subject.await(bundle.id, 'stopped')
      subject.must('delete', bundle.id)
      subject.mustFail(['delete', bundle.id], 'it is deleted')
      subject.mustFail(['start', bundle.id], 'it is deleted')
      subject.mustFail(['kill', bundle.id, 'KILL'], 'it is deleted')
      subject.mustFail(['state', bundle.id], 'it is deleted')
    },
  },
  {
    id: 'lifecycle-errors-keep-created',
    clause: 'runtime.md#errors',
    asks: 'an error leaves things as if the operation were never attempted: a created container',
    covers: ['runtime-errors-01'],
    test(subject) {
      const bundle = subject.bundle('echo ran >/out; sleep 100')
      subject.create(bundle)
      const before = subject.state(bundle.id)
      subject.mustFail(['create', '--bundle', bundle.path, bundle.id], 'the id is in use')
      subject.mustFail(['kill', bundle.id, 'NOSUCH'], 'there is no such signal')
      subject.mustFail(['exec', `${bundle.id}x`, 'true'], 'there is no such container')
      expectSame(subject.state(bundle.id), before, 'state')
      expectSame(bundle.read('out'), '', 'output before start')
      subject.must('start', bundle.id)
      subject.await(bundle.id, 'running')
    },
    deviations: {
      crun: { versions: '<1.9', why: 'reports success for a signal that does not exist, and sends nothing' },
    },
  },
  {
    id: 'lifecycle-no-state-left',
    clause: 'runtime.md#delete',
    asks: 'delete MUST delete what create made: nothing below the folder of the state names the container',
    covers: ['runtime-delete-04', 'runtime-lifecycle-17'],
    test(subject) {
      const bundle = subject.bundle('true')
      subject.run(bundle)
      const during = stateFiles(subject)
      expect(during.length > 0, 'nothing below --root while the container exists')
      subject.await(bundle.id, 'stopped')
      subject.must('delete', bundle.id)
      expectSame(stateFiles(subject), [], 'below --root')
    },
  },
  {
    id: 'lifecycle-bundle-left-alone',
    clause: 'runtime.md#delete',
    asks: 'what the container did not create MUST NOT be deleted: the bundle',
    covers: ['runtime-delete-05'],
    test(subject) {
      const bundle = subject.bundle('true')
      const files = () => readdirSync(bundle.path).sort()
      const [names, config] = [files(), readFileSync(join(bundle.path, 'config.json'), 'utf8')]
      subject.run(bundle)
      subject.await(bundle.id, 'stopped')
      subject.must('delete', bundle.id)
      expectSame(files(), names, 'files of the bundle')
      expectSame(readFileSync(join(bundle.path, 'config.json'), 'utf8'), config, 'config.json')
    },
  },
  {
    id: 'lifecycle-bundle-gone',
    clause: 'runtime.md#delete',
    asks: 'a container whose bundle has gone can be killed and deleted',
    test(subject) {
      const bundle = subject.bundle('sleep 100')
      subject.run(bundle)
      pidOf(subject, bundle.id)
      unlinkSync(join(bundle.path, 'config.json'))
      subject.must('kill', bundle.id, 'KILL')
      subject.await(bundle.id, 'stopped')
      subject.must('delete', bundle.id)
      expectSame(subject.leftOf(bundle), [], 'left')
    },
  },
  {
    id: 'lifecycle-exec-failure',
    clause: 'runtime.md#start',
    asks: 'a program that cannot be executed is an error of create or start, and the container does not run',
    test(subject) {
      for (const args of [['/nosuch'], ['/etc'], ['/plain']]) {
        const bundle = subject.bundle('true', (config) => {
          if (config.process) config.process.args = args
        })
        mkdirSync(join(bundle.rootfs, 'etc'))
        writeFileSync(join(bundle.rootfs, 'plain'), 'no program', { mode: 0o644 })
        if (!subject.call('create', '--bundle', bundle.path, bundle.id).ok) {
          expectSame(subject.leftOf(bundle), [], `left after ${args[0]}`)
          continue
        }
        subject.mustFail(['start', bundle.id], `${args[0]} cannot be executed`)
        if (subject.exists(bundle.id)) subject.await(bundle.id, 'stopped')
      }
    },
  },
  {
    id: 'lifecycle-killed-from-outside',
    clause: 'runtime.md#state',
    asks: 'a container whose process has been killed by somebody else is stopped',
    test(subject) {
      const bundle = subject.bundle('sleep 100')
      subject.create(bundle)
      process.kill(subject.state(bundle.id).pid ?? 0, 'SIGKILL')
      subject.await(bundle.id, 'stopped')
      subject.mustFail(['start', bundle.id], 'it is stopped')
      subject.must('delete', bundle.id)
      expectSame(subject.leftOf(bundle), [], 'left')
    },
  },
]

export const LIFECYCLE: readonly Case[] = [...OPERATIONS, ...BUNDLES, ...KILLING]
