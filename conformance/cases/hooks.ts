/** config.md#posix-platform-hooks: when hooks are called, and with what. */
import type { Bundle } from '../bundle.ts'
import type { State } from '../call.ts'
import { hook, ON_CREATE, rootOf } from '../hook.ts'
import { within } from '../host.ts'
import { type Case, expect, expectSame } from '../suite.ts'

const STAGES = [...ON_CREATE, 'startContainer', 'poststart', 'poststop']

const lines = (bundle: Bundle) => bundle.read('log').split('\n').filter(Boolean)

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
]
