/** runtime.md: operations in every state, ids, bundles, and what an operation must leave alone. */
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cgroupsNamed, isAlive, pause } from '../host.ts'
import { namespaceOf, ofProcess, pidOf } from '../look.ts'
import type { Subject } from '../subject.ts'
import { type Case, expect, expectSame } from '../suite.ts'

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
    deviations: { crun: { seen: '1.8.1', why: 'reports success for a signal that does not exist, and sends nothing' } },
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

const BUNDLES: readonly Case[] = [
  {
    id: 'bundle-absolute',
    clause: 'runtime.md#state',
    asks: 'bundle is the absolute path of the bundle, even where create was given a relative one',
    covers: ['runtime-state-07'],
    test(subject) {
      const bundle = subject.bundle('sleep 100')
      subject.callAs({ cwd: join(bundle.path, '..') }, 'create', '--bundle', bundle.id, bundle.id)
      expectSame(subject.state(bundle.id).bundle, bundle.path, 'bundle')
    },
  },
  {
    id: 'bundle-current-directory',
    clause: 'command line of runc: --bundle',
    asks: 'without --bundle the bundle is the current directory',
    test(subject) {
      const bundle = subject.bundle('sleep 100')
      expect(subject.callAs({ cwd: bundle.path }, 'create', bundle.id).ok, 'create failed in the bundle')
      expectSame(subject.state(bundle.id).bundle, bundle.path, 'bundle')
    },
  },
  {
    id: 'bundle-root-absolute',
    clause: 'config.md#root',
    asks: 'root.path is absolute or relative to the bundle',
    test(subject) {
      const bundle = subject.bundle('echo here >/out')
      bundle.configure((config) => {
        config.root.path = bundle.rootfs
      })
      subject.run(bundle)
      subject.await(bundle.id, 'stopped')
      expectSame(bundle.read('out'), 'here\n', 'output')
    },
  },
  {
    id: 'bundle-root-symlink',
    clause: 'config.md#root',
    asks: 'a directory MUST exist at root.path: one that a link leads to is one',
    deviations: {
      runc: { versions: '<1.2', why: 'a root.path that is a link is refused, though a directory exists at the path' },
    },
    test(subject) {
      const bundle = subject.bundle('echo here >/out')
      symlinkSync('rootfs', join(bundle.path, 'link'))
      bundle.configure((config) => {
        config.root.path = 'link'
      })
      subject.run(bundle)
      subject.await(bundle.id, 'stopped')
      expectSame(bundle.read('out'), 'here\n', 'output')
    },
  },
  {
    id: 'bundle-root-file',
    clause: 'config.md#root',
    asks: 'a directory MUST exist at root.path: a file is an error',
    covers: ['config-root-07'],
    test(subject) {
      const bundle = subject.bundle('true')
      writeFileSync(join(bundle.path, 'file'), '')
      bundle.configure((config) => {
        config.root.path = 'file'
      })
      subject.mustFail(['create', '--bundle', bundle.path, bundle.id], 'root.path is a file')
      expectSame(subject.leftOf(bundle), [], 'left')
    },
  },
  ...(
    [
      ['missing', undefined],
      ['empty', ''],
      ['no-json', '{'],
      ['list', '[]'],
      ['null', 'null'],
      ['directory', null],
    ] as const
  ).map(
    ([name, text]): Case => ({
      id: `bundle-config-${name}`,
      clause: 'bundle.md#container-format',
      asks: 'config.json MUST reside in the root of the bundle: anything else there is an error',
      test(subject) {
        const bundle = subject.bundle('true')
        const path = join(bundle.path, 'config.json')
        unlinkSync(path)
        if (text === null) mkdirSync(path)
        else if (text !== undefined) writeFileSync(path, text)
        subject.mustFail(['create', '--bundle', bundle.path, bundle.id], `config.json is ${name}`)
        expect(!subject.exists(bundle.id), 'the container exists')
        expectSame(subject.leftOf(bundle), [], 'left')
        // The evidence quotes it.
        if (text === null || text === undefined) bundle.remove()
      },
    }),
  ),
]

const KILLING: readonly Case[] = [
  {
    id: 'kill-default-term',
    clause: 'command line of runc: kill',
    asks: 'without a signal, TERM is sent',
    test(subject) {
      const bundle = subject.bundle('trap "echo term >/got; exit" TERM; echo up >/up; while :; do sleep 0.02; done')
      subject.run(bundle)
      for (let turn = 0; bundle.read('up') === '' && turn < 200; turn++) pause(10)
      subject.must('kill', bundle.id)
      subject.await(bundle.id, 'stopped')
      expectSame(bundle.read('got'), 'term\n', 'what the program got')
    },
  },
  {
    id: 'kill-first-only',
    clause: 'runtime.md#kill',
    asks: 'kill MUST send the specified signal to the container process: not to its children',
    covers: ['runtime-kill-04'],
    test(subject) {
      const bundle = subject.bundle(
        'sh -c \'trap "echo child >>/got" USR1; while :; do sleep 0.02; done\' & trap "echo first >>/got" USR1; sleep 0.2; echo up >/up; while :; do sleep 0.02; done',
      )
      subject.run(bundle)
      for (let turn = 0; bundle.read('up') === '' && turn < 300; turn++) pause(10)
      subject.must('kill', bundle.id, 'USR1')
      pause(300)
      expectSame(bundle.read('got'), 'first\n', 'who got the signal')
    },
  },
  {
    id: 'kill-all',
    clause: 'command line of runc: kill --all',
    asks: 'with --all every process of the container gets the signal',
    test(subject) {
      const bundle = subject.bundle('sleep 300 & sleep 300 & echo up >/up; while :; do sleep 1; done')
      subject.run(bundle)
      const first = pidOf(subject, bundle.id)
      for (let turn = 0; bundle.read('up') === '' && turn < 200; turn++) pause(10)
      const children = () => ofProcess(first, `task/${first}/children`).trim().split(' ').filter(Boolean).map(Number)
      const before = children()
      expect(before.length >= 2, `children: ${before}`)
      subject.must('kill', '--all', bundle.id, 'KILL')
      subject.await(bundle.id, 'stopped')
      expectSame(before.filter(isAlive), [], 'alive after kill --all')
    },
  },
  {
    id: 'delete-force-running',
    clause: 'command line of runc: delete --force',
    asks: 'with --force a running container is killed, all of it, and deleted',
    test(subject) {
      const bundle = subject.bundle('sleep 300 & sleep 300')
      subject.run(bundle)
      pidOf(subject, bundle.id)
      expect(cgroupsNamed(bundle.id).length > 0, 'no cgroup while it runs')
      subject.must('delete', '--force', bundle.id)
      expect(!subject.exists(bundle.id), 'the container exists')
      expectSame(subject.leftOf(bundle), [], 'left')
    },
  },
  {
    id: 'delete-force-created',
    clause: 'command line of runc: delete --force',
    asks: 'with --force a created container is deleted and its program never runs',
    test(subject) {
      const bundle = subject.bundle('touch /ran')
      subject.create(bundle)
      subject.must('delete', '--force', bundle.id)
      expectSame(subject.leftOf(bundle), [], 'left')
      expect(!existsSync(join(bundle.rootfs, 'ran')), 'the program ran')
    },
  },
  {
    id: 'delete-force-unknown',
    clause: 'command line of runc: delete --force',
    asks: 'with --force the absence of a container is no error: engines delete to be sure',
    test(subject) {
      subject.must('delete', '--force', 'conf-unknown')
    },
  },
]

export const LIFECYCLE: readonly Case[] = [...OPERATIONS, ...BUNDLES, ...KILLING]
