/** runtime.md: the state against its schema; warnings. */
import { join } from 'node:path'
import type { State } from '../call.ts'
import { type Case, expect, expectSame } from '../suite.ts'

const isText = (value: unknown) => typeof value === 'string'
/** schema/state-schema.json, property by property. */
const SCHEMA: Readonly<Record<keyof State, (value: unknown) => boolean>> = {
  ociVersion: (value) => isText(value) && /^\d+\.\d+\.\d+/.test(String(value)),
  id: isText,
  status: (value) => ['creating', 'created', 'running', 'stopped'].includes(String(value)),
  pid: (value) => Number.isInteger(value) && Number(value) >= 0,
  bundle: isText,
  annotations: (value) =>
    typeof value === 'object' && value !== null && Object.values(value).every((one) => typeof one === 'string'),
}
const REQUIRED = ['ociVersion', 'id', 'status', 'bundle']

function keeps(state: State, when: string): void {
  for (const name of REQUIRED) expect(name in state, `${when}: ${name} is missing`)
  for (const [name, fits] of Object.entries(SCHEMA)) {
    const value = (state as unknown as Record<string, unknown>)[name]
    expect(!(name in state) || fits(value), `${when}: ${name} is ${JSON.stringify(value)}`)
  }
}

export const STATE_SCHEMA: readonly Case[] = [
  {
    id: 'state-schema',
    clause: 'runtime.md#state',
    asks: 'the state as JSON keeps to its schema: created, running and stopped',
    covers: ['runtime-state-08', 'runtime-query-03'],
    test(subject) {
      const bundle = subject.bundle('sleep 100')
      subject.create(bundle)
      keeps(subject.state(bundle.id), 'created')
      subject.must('start', bundle.id)
      keeps(subject.await(bundle.id, 'running'), 'running')
      subject.must('kill', bundle.id, 'KILL')
      keeps(subject.await(bundle.id, 'stopped'), 'stopped')
    },
  },
  {
    id: 'capabilities-unknown-warned',
    clause: 'config.md#linux-process',
    asks: 'a capability that cannot be granted MUST be told in a warning; the operation goes on as without',
    covers: ['config-capabilities-01', 'runtime-warnings-01'],
    deviations: { crun: { seen: '1.8.1', why: 'leaves it out without a word' } },
    test(subject) {
      const names = ['CAP_NOSUCH', 'CAP_KILL']
      const bundle = subject.bundle('grep CapEff /proc/self/status >/tmp/seen', (config) =>
        Object.assign(config.process ?? {}, { capabilities: { bounding: names, effective: names, permitted: names } }),
      )
      const flags = ['--log', join(bundle.path, 'log')]
      const created = subject.callAs({ flags }, 'create', '--bundle', bundle.path, bundle.id)
      expect(created.ok, `create failed: ${created.stderr}`)
      const started = subject.callAs({ flags }, 'start', bundle.id)
      expect(started.ok, `start failed: ${started.stderr}`)
      subject.await(bundle.id, 'stopped')
      expectSame(bundle.read('tmp/seen'), 'CapEff:\t0000000000000020\n', 'capabilities of the program')
      const log = subject.kernel(join(bundle.path, 'log'))
      const told = [created.stderr, started.stderr, log].join('')
      expect(told.includes('CAP_NOSUCH'), `nothing is said of it: ${JSON.stringify(told)}`)
    },
  },
]
