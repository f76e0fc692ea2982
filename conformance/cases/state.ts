/** runtime.md#state and config.md#annotations */
import { readFileSync } from 'node:fs'
import { refuses } from '../declare.ts'
import { within } from '../host.ts'
import { ofProcess, pidOf } from '../look.ts'
import { type Case, expect, expectSame } from '../suite.ts'

const STATE = 'runtime.md#state'
const ANNOTATIONS = 'config.md#annotations'

export const STATE_MORE: readonly Case[] = [
  {
    id: 'state-pid-is-the-process',
    clause: STATE,
    asks: 'pid is the id of the container process: it runs what args say',
    covers: ['runtime-state-06', 'runtime-start-04'],
    test(subject) {
      const bundle = subject.bundle('exec sleep 4321')
      subject.run(bundle)
      const pid = pidOf(subject, bundle.id)
      const line = () => ofProcess(pid, 'cmdline').replaceAll('\0', ' ').trim()
      expect(
        within(() => line() === 'sleep 4321'),
        `process ${pid} is ${JSON.stringify(line())}`,
      )
    },
  },
  {
    id: 'state-pid-stopped',
    clause: STATE,
    asks: 'a stopped container names no process that is another’s',
    test(subject) {
      const bundle = subject.bundle('true')
      subject.run(bundle)
      const { pid = 0 } = subject.await(bundle.id, 'stopped')
      expect(pid === 0 || !ofProcess(pid, 'cmdline'), `pid is ${pid}, which runs`)
    },
  },
  {
    id: 'state-annotations',
    clause: ANNOTATIONS,
    asks: 'annotations are in the state as they are in config.json, whatever characters they have',
    covers: ['config-annotations-07'],
    test(subject) {
      const bundle = subject.bundle('sleep 100')
      const annotations = {
        'org.example.quotes': 'a "b" \\ c',
        'org.example.lines': 'one\ntwo\ttab',
        'org.example.unicode': 'Grüße 容器 🚢',
        'org.example.empty': '',
        'org.opencontainers.nosuch': 'reserved',
        'org.example.json': '{"a": [1, 2]}',
        nodots: 'x',
      }
      bundle.configure((config) => {
        config.annotations = annotations
      })
      subject.run(bundle)
      const got = subject.await(bundle.id, 'running').annotations ?? {}
      for (const [name, value] of Object.entries(annotations)) expectSame(got[name], value, name)
    },
  },
  {
    id: 'state-annotations-none',
    clause: STATE,
    asks: 'without annotations the property is absent or an empty map',
    test(subject) {
      const bundle = subject.bundle('sleep 100')
      bundle.configure((config) => {
        delete config.annotations
      })
      subject.create(bundle)
      expectSame(subject.state(bundle.id).annotations ?? {}, {}, 'annotations')
    },
  },
  refuses(['annotations-no-string', ANNOTATIONS, 'values MUST be strings', 'config-annotations-08'], {
    annotations: { 'org.example.a': 1 },
  }),
  refuses(
    ['annotations-no-key', ANNOTATIONS, 'keys MUST NOT be an empty string', 'config-annotations-03'],
    { annotations: { '': 'x' } },
    {
      deviations: {
        runc: { seen: '1.1.5', why: 'takes an empty key' },
        crun: { seen: '1.8.1', why: 'takes an empty key' },
      },
    },
  ),
  {
    id: 'state-stable',
    clause: 'runtime.md#query-state',
    asks: 'asking for the state changes nothing',
    test(subject) {
      const bundle = subject.bundle('sleep 100')
      subject.create(bundle)
      const before = subject.state(bundle.id)
      for (let turn = 0; turn < 3; turn++) expectSame(subject.state(bundle.id), before, 'state')
    },
  },
  {
    id: 'state-version-known',
    clause: STATE,
    asks: 'ociVersion is a version of the specification',
    covers: ['runtime-state-01'],
    test(subject) {
      const bundle = subject.bundle('sleep 100')
      subject.create(bundle)
      const { ociVersion } = subject.state(bundle.id)
      expect(/^1\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?$/.test(ociVersion), `ociVersion is ${ociVersion}`)
    },
  },
  {
    id: 'list-json',
    clause: 'command line of runc: list',
    asks: 'list --format json has every container below --root with id, pid, status and bundle; --quiet the ids',
    test(subject) {
      const bundles = [subject.bundle('sleep 100'), subject.bundle('sleep 100')]
      for (const bundle of bundles) subject.create(bundle)
      const rows = JSON.parse(subject.must('list', '--format', 'json').stdout) as Record<string, unknown>[]
      for (const { id, path } of bundles) {
        const { pid } = subject.state(id)
        const row = rows.find((one) => one.id === id)
        expectSame([row?.pid, row?.status, row?.bundle], [pid, 'created', path], `row of ${id}`)
      }
      const ids = subject.must('list', '--quiet').stdout.split('\n')
      expect(
        bundles.every(({ id }) => ids.includes(id)),
        `list --quiet: ${ids}`,
      )
    },
  },
  {
    id: 'ps-json',
    clause: 'command line of runc: ps',
    asks: 'ps --format json is the list of the pids, as the host sees them',
    test(subject) {
      const bundle = subject.bundle('sleep 300 & sleep 300 & echo >/up; sleep 300')
      subject.run(bundle)
      const pid = pidOf(subject, bundle.id)
      within(() => bundle.read('up') !== '')
      const children = ofProcess(pid, `task/${pid}/children`).trim().split(' ').map(Number)
      const listed = JSON.parse(subject.must('ps', '--format', 'json', bundle.id).stdout) as number[]
      expect(children.length >= 2, `children: ${children}`)
      for (const one of [pid, ...children]) expect(listed.includes(one), `ps does not list ${one}: ${listed}`)
      for (const one of listed)
        expect(readFileSync(`/proc/${one}/cgroup`, 'utf8').includes(bundle.id), `${one} is not in the container`)
    },
  },
]
