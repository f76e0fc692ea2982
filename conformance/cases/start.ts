/** runtime.md#start and runtime.md#state */
import { type Case, expect, expectSame } from '../suite.ts'

export const START: readonly Case[] = [
  {
    id: 'start-runs-program',
    clause: 'runtime.md#start',
    asks: 'start MUST run the user-specified program; created, running and stopped follow each other',
    covers: ['runtime-lifecycle-14', 'runtime-start-04'],
    test(subject) {
      const bundle = subject.bundle('echo hello >/out; sleep 0.3')
      subject.create(bundle)
      const { pid } = subject.state(bundle.id)
      subject.must('start', bundle.id)
      const running = subject.state(bundle.id)
      expectSame([running.status, running.pid], ['running', pid], 'status and pid after start')
      subject.await(bundle.id, 'stopped')
      expectSame(bundle.read('out'), 'hello\n', 'output')
    },
  },
  {
    id: 'start-needs-process',
    clause: 'runtime.md#start',
    asks: 'start MUST generate an error if process was not set (create may refuse it before)',
    covers: ['runtime-start-05', 'config-process-01'],
    deviations: { crun: { seen: '1.21', unseen: '1.8.1', why: 'says that there is no process, and exits with 0' } },
    test(subject) {
      const bundle = subject.bundle('true', (config) => {
        delete config.process
      })
      if (!subject.call('create', '--bundle', bundle.path, bundle.id).ok) return
      subject.mustFail(['start', bundle.id], 'there is no process')
    },
  },
  {
    id: 'start-running',
    clause: 'runtime.md#start',
    asks: 'start of a container that is not created MUST have no effect and MUST generate an error: running',
    covers: ['runtime-start-02', 'runtime-start-03'],
    test(subject) {
      const bundle = subject.bundle('echo run >>/out; sleep 100')
      subject.run(bundle)
      const before = subject.await(bundle.id, 'running')
      subject.mustFail(['start', bundle.id], 'it is running')
      expectSame(subject.state(bundle.id), before, 'state')
      expectSame(bundle.read('out'), 'run\n', 'output')
    },
  },
  {
    id: 'start-stopped',
    clause: 'runtime.md#start',
    asks: 'start of a container that is not created MUST have no effect and MUST generate an error: stopped',
    covers: ['runtime-start-02', 'runtime-start-03'],
    test(subject) {
      const bundle = subject.bundle('echo run >>/out')
      subject.run(bundle)
      subject.await(bundle.id, 'stopped')
      subject.mustFail(['start', bundle.id], 'it is stopped')
      expectSame(subject.state(bundle.id).status, 'stopped', 'status')
      expectSame(bundle.read('out'), 'run\n', 'output')
    },
  },
  {
    id: 'start-unknown',
    clause: 'runtime.md#start',
    asks: 'start MUST generate an error without the id of a container',
    covers: ['runtime-start-01'],
    test(subject) {
      subject.mustFail(['start'], 'there was no id')
      subject.mustFail(['start', 'conf-unknown'], 'there is no such container')
    },
  },
  {
    id: 'state-properties',
    clause: 'runtime.md#state',
    asks: 'ociVersion, id, status, pid, bundle and annotations are there, of their types, in every status',
    covers: [
      'runtime-state-01',
      'runtime-state-02',
      'runtime-state-04',
      'runtime-state-06',
      'runtime-state-07',
      'runtime-query-03',
    ],
    test(subject) {
      const bundle = subject.bundle('sleep 0.3')
      subject.create(bundle)
      for (const status of ['created', 'running', 'stopped']) {
        const state = subject.await(bundle.id, status)
        expect(/^\d+\.\d+\.\d+/.test(state.ociVersion), `${status}: ociVersion is ${state.ociVersion}`)
        expectSame(state.id, bundle.id, `${status}: id`)
        expectSame(state.bundle, bundle.path, `${status}: bundle`)
        expectSame(state.annotations?.['org.example.conformance'], bundle.id, `${status}: annotation`)
        if (status !== 'stopped') {
          expect(Number.isInteger(state.pid) && (state.pid ?? 0) > 0, `${status}: pid is ${state.pid}`)
        }
        if (status === 'created') subject.must('start', bundle.id)
      }
    },
  },
  {
    id: 'state-unknown',
    clause: 'runtime.md#query-state',
    asks: 'querying a container that does not exist, or without an id, MUST generate an error',
    covers: ['runtime-query-01', 'runtime-query-02'],
    test(subject) {
      subject.mustFail(['state', 'conf-unknown'], 'there is no such container')
      subject.mustFail(['state'], 'there was no id')
    },
  },
]
