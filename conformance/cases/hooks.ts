/** config.md#posix-platform-hooks and the lifecycle's steps 3 to 13 */
import { existsSync } from 'node:fs'
import type { Bundle, Hook } from '../bundle.ts'
import type { State } from '../call.ts'
import { within } from '../host.ts'
import { type Case, expect, expectSame } from '../suite.ts'

const ON_CREATE = ['prestart', 'createRuntime', 'createContainer']
const STAGES = [...ON_CREATE, 'startContainer', 'poststart', 'poststop']

/**
 * A hook that runs a script: the host's shell, or for startContainer the container's. It reads the state in any case: a
 * runtime that dies of SIGPIPE when a hook does not (crun 1.8.1) would fail at random.
 */
const hook = (script: string): Hook => ({
  path: '/bin/sh',
  args: ['sh', '-c', script.startsWith('cat ') ? script : `cat >/dev/null; ${script}`],
})

/** The root as hooks of this stage see it: only startContainer hooks are inside. */
const rootOf = (stage: string, bundle: Bundle) => (stage === 'startContainer' ? '' : bundle.rootfs)

const lines = (bundle: Bundle) => bundle.read('log').split('\n').filter(Boolean)

/** The rule about a hook of the stage that fails. */
const FAILS: Readonly<Record<string, string>> = {
  prestart: 'runtime-lifecycle-07',
  createRuntime: 'runtime-lifecycle-09',
  createContainer: 'runtime-lifecycle-11',
}

const STATUS: Readonly<Record<string, RegExp>> = {
  prestart: /^creat(ing|ed)$/,
  createRuntime: /^creat(ing|ed)$/,
  createContainer: /^creat(ing|ed)$/,
  startContainer: /^created$/,
  // As above.
  poststart: /^(created|running)$/,
  poststop: /^stopped$/,
}

export const HOOKS: readonly Case[] = [
  {
    id: 'hooks-order',
    clause: 'config.md#posix-platform-hooks',
    asks: 'hooks are called in the listed order, each at its point of the lifecycle',
    covers: [
      'config-hooks-07',
      'config-hooks-prestart-01',
      'config-hooks-prestart-02',
      'config-hooks-createRuntime-01',
      'config-hooks-createContainer-01',
      'config-hooks-createContainer-02',
      'config-hooks-startContainer-01',
      'config-hooks-poststop-01',
      'runtime-lifecycle-06',
      'runtime-lifecycle-08',
      'runtime-lifecycle-10',
      'runtime-lifecycle-12',
      'runtime-lifecycle-18',
    ],
    test(subject) {
      const bundle = subject.bundle('echo process >>/log; sleep 100')
      bundle.configure((config) => {
        config.hooks = Object.fromEntries(
          STAGES.map((stage) => [
            stage,
            [1, 2].map((n) => hook(`cat >/dev/null; echo ${stage}${n} >>${rootOf(stage, bundle)}/log`)),
          ]),
        )
      })
      const twice = (stages: readonly string[]) => stages.flatMap((stage) => [`${stage}1`, `${stage}2`])
      // When a poststart hook runs is hooks-poststart's to judge.
      const seen = () => lines(bundle).filter((line) => !line.startsWith('poststart'))
      subject.create(bundle)
      expectSame(seen(), twice(ON_CREATE), 'after create')
      subject.must('start', bundle.id)
      // Whether start waits for the startContainer hooks is hooks-startContainer-error's to judge.
      within(() => seen().includes('process'))
      expectSame(seen(), [...twice([...ON_CREATE, 'startContainer']), 'process'], 'after start')
      subject.must('kill', bundle.id, 'KILL')
      subject.await(bundle.id, 'stopped')
      expect(!lines(bundle).includes('poststop1'), 'poststop hooks ran before delete')
      subject.must('delete', bundle.id)
      expectSame(lines(bundle).slice(-2), twice(['poststop']), 'after delete')
    },
  },
  {
    id: 'hooks-state',
    clause: 'config.md#posix-platform-hooks',
    asks: 'the state of the container MUST be passed to hooks over stdin',
    covers: ['config-hooks-08'],
    deviations: {
      crun: { seen: '1.8.1', why: 'tells hooks that ociVersion is 1.0, a constant, which is no semantic version' },
    },
    test(subject) {
      const bundle = subject.bundle('sleep 100')
      bundle.configure((config) => {
        config.hooks = Object.fromEntries(
          STAGES.map((stage) => [stage, [hook(`cat >${rootOf(stage, bundle)}/state-${stage}`)]]),
        )
      })
      subject.run(bundle)
      const { pid } = subject.await(bundle.id, 'running')
      subject.must('kill', bundle.id, 'KILL')
      subject.await(bundle.id, 'stopped')
      subject.must('delete', bundle.id)
      for (const stage of STAGES) {
        const text = bundle.read(`state-${stage}`)
        expect(text.startsWith('{'), `${stage}: stdin was ${JSON.stringify(text)}`)
        const state = JSON.parse(text) as State
        expectSame([state.id, state.bundle], [bundle.id, bundle.path], `${stage}: id and bundle`)
        expect(/^\d+\.\d+\.\d+/.test(state.ociVersion), `${stage}: ociVersion is ${state.ociVersion}`)
        expect(STATUS[stage]?.test(state.status) === true, `${stage}: status is ${state.status}`)
        if (['prestart', 'createRuntime', 'poststart'].includes(stage)) expectSame(state.pid, pid, `${stage}: pid`)
      }
    },
  },
  {
    id: 'hooks-poststart',
    clause: 'runtime.md#lifecycle',
    asks: 'poststart hooks are called after the program is executed, before start returns',
    covers: ['config-hooks-poststart-01', 'runtime-lifecycle-15'],
    deviations: {
      runc: { versions: '<1.5', why: 'calls them at the end of create, when nothing has been executed (runc#4347)' },
    },
    test(subject) {
      const bundle = subject.bundle('sleep 100')
      bundle.configure((config) => {
        config.hooks = { poststart: [hook(`cat >${bundle.rootfs}/state`)] }
      })
      subject.create(bundle)
      expectSame(bundle.read('state'), '', 'state given to poststart hooks during create')
      subject.must('start', bundle.id)
      const text = bundle.read('state')
      expect(text !== '', 'start has returned, and the poststart hook has not run')
      expectSame((JSON.parse(text) as State).status, 'running', 'status given to the poststart hook')
    },
  },
  {
    id: 'hooks-poststart-fails',
    clause: 'runtime.md#lifecycle',
    asks: 'if any poststart hook fails, the runtime MUST generate an error and stop the container (since 1.3)',
    covers: ['runtime-lifecycle-16'],
    deviations: {
      runc: {
        versions: '<1.5',
        why: 'calls them in create, which then fails and leaves nothing to start; the rule for start is new in 1.3',
        clause: 'config.md#poststart',
      },
      crun: { seen: '1.8.1', why: 'logs a warning and goes on, as the specification asked for before 1.3' },
      youki: { versions: '>=0', why: 'logs a warning and goes on, as the specification asked for before 1.3' },
    },
    test(subject) {
      const bundle = subject.bundle('sleep 100')
      bundle.configure((config) => {
        config.hooks = { poststart: [hook('exit 3')] }
      })
      subject.create(bundle)
      subject.mustFail(['start', bundle.id], 'a poststart hook failed')
      if (subject.exists(bundle.id)) subject.await(bundle.id, 'stopped')
      expectSame(
        subject.leftOf(bundle).filter((left) => left.startsWith('process')),
        [],
        'left',
      )
    },
  },
  {
    id: 'hooks-poststop-after-failure',
    clause: 'runtime.md#lifecycle',
    asks: 'when a createRuntime hook fails the lifecycle continues with destruction and the poststop hooks',
    covers: ['runtime-lifecycle-09', 'runtime-lifecycle-18'],
    deviations: {
      crun: { seen: '1.8.1', why: 'destroys the container without calling them' },
    },
    test(subject) {
      const bundle = subject.bundle('true')
      bundle.configure((config) => {
        config.hooks = { createRuntime: [hook('exit 3')], poststop: [hook(`touch ${bundle.rootfs}/poststop`)] }
      })
      subject.mustFail(['create', '--bundle', bundle.path, bundle.id], 'a createRuntime hook failed')
      expect(existsSync(`${bundle.rootfs}/poststop`), 'the poststop hook was not called')
    },
  },
  {
    id: 'hooks-startContainer-fails',
    clause: 'runtime.md#lifecycle',
    asks: 'if any startContainer hook fails, the program MUST NOT run and the container is stopped',
    covers: ['runtime-lifecycle-13'],
    test(subject) {
      const bundle = subject.bundle('touch /ran')
      bundle.configure((config) => {
        config.hooks = { startContainer: [hook('exit 3')] }
      })
      subject.create(bundle)
      // Whether start can still tell is its own case.
      subject.call('start', bundle.id)
      if (subject.exists(bundle.id)) subject.await(bundle.id, 'stopped')
      expect(!existsSync(`${bundle.rootfs}/ran`), 'the program ran')
    },
  },
  {
    id: 'hooks-startContainer-error',
    clause: 'runtime.md#lifecycle',
    asks: 'if any startContainer hook fails, the runtime MUST generate an error: start says so',
    covers: ['runtime-lifecycle-13'],
    deviations: {
      runc: {
        seen: '1.1.5',
        why: 'start returns once the container has been told to go on: what fails after that is told on the stderr of create',
      },
      crun: {
        seen: '1.8.1',
        why: 'start returns once the container has been told to go on: what fails after that is told on the stderr of create',
      },
    },
    test(subject) {
      const bundle = subject.bundle('true')
      bundle.configure((config) => {
        config.hooks = { startContainer: [hook('exit 3')] }
      })
      subject.create(bundle)
      subject.mustFail(['start', bundle.id], 'a startContainer hook failed')
    },
  },
  ...[...ON_CREATE].map(
    (stage): Case => ({
      id: `hooks-${stage}-fails`,
      clause: 'runtime.md#lifecycle',
      asks: `if any ${stage} hook fails, the runtime MUST generate an error and destroy the container`,
      covers: [FAILS[stage] ?? ''],
      test(subject) {
        const bundle = subject.bundle('touch /ran')
        bundle.configure((config) => {
          config.hooks = { [stage]: [hook('exit 3'), hook(`touch ${bundle.rootfs}/second`)] }
        })
        subject.mustFail(['create', '--bundle', bundle.path, bundle.id], `a ${stage} hook failed`)
        expect(!subject.exists(bundle.id), 'the container exists')
        expectSame(subject.leftOf(bundle), [], 'left')
      },
    }),
  ),
  {
    id: 'hooks-poststop-fails',
    clause: 'runtime.md#lifecycle',
    asks: 'if any poststop hook fails, the remaining hooks and lifecycle continue as if it had succeeded',
    covers: ['runtime-lifecycle-19'],
    test(subject) {
      const bundle = subject.bundle('true')
      bundle.configure((config) => {
        config.hooks = { poststop: [hook('exit 3'), hook(`touch ${bundle.rootfs}/second`)] }
      })
      subject.run(bundle)
      subject.await(bundle.id, 'stopped')
      subject.must('delete', bundle.id)
      expect(!subject.exists(bundle.id), 'the container exists')
      expectSame(subject.leftOf(bundle), [], 'left')
    },
  },
  {
    id: 'hooks-timeout',
    clause: 'config.md#posix-platform-hooks',
    asks: 'timeout is the number of seconds before aborting the hook; an aborted hook has failed',
    test(subject) {
      const bundle = subject.bundle('touch /ran')
      bundle.configure((config) => {
        config.hooks = { createRuntime: [{ ...hook('exec sleep 15'), timeout: 1 }] }
      })
      const start = Date.now()
      subject.mustFail(['create', '--bundle', bundle.path, bundle.id], 'a hook took longer than its timeout')
      expect(Date.now() - start < 10_000, `it took ${Date.now() - start} ms`)
      expectSame(subject.leftOf(bundle), [], 'left')
    },
  },
]
