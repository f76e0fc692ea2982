/** Oversized and odd input: taken whole, or refused in words with nothing made; never a crash, never half. */
import { readdirSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../bundle.ts'
import type { Outcome } from '../call.ts'
import { within } from '../host.ts'
import type { Subject } from '../subject.ts'
import { type Case, expect, expectSame } from '../suite.ts'

const SIZES = [65_535, 65_536, 70_000]
const LENGTHS = 'published flaw: CVE-2021-43784'
const INPUT = 'odd input'

/** A create that must be refused by the runtime itself: with words, not by a signal or a stack. */
function refusedInWords(subject: Subject, path: string, id: string, what: string): Outcome {
  const outcome = subject.mustFail(['create', '--bundle', path, id], what)
  expect(outcome.code !== null && outcome.code < 128, `it ended by a signal: exit ${outcome.code}`)
  expect(outcome.stderr.trim() !== '', 'it said nothing')
  expect(
    !/panic:|goroutine \d|Segmentation|RangeError|at .*:\d+:\d+/.test(outcome.stderr),
    `it crashed: ${outcome.stderr.slice(0, 200)}`,
  )
  expect(!subject.exists(id), 'the container exists')
  return outcome
}

const long = (id: string, change: (config: Config, size: number) => void): Case => ({
  id: `security-long-${id}`,
  clause: LENGTHS,
  asks: `${id} around 65,535 bytes, which is more than the kernel takes, is refused`,
  test(subject) {
    for (const size of SIZES) {
      const bundle = subject.bundle('true', (config) => change(config, size))
      const created = subject.call('create', '--bundle', bundle.path, bundle.id)
      if (created.ok) subject.mustFail(['start', bundle.id], `${id} of ${size} bytes`)
      else expectSame(subject.leftOf(bundle), [], 'left')
    }
  },
})

const STRINGS: readonly Case[] = [
  {
    id: 'security-long-strings',
    clause: LENGTHS,
    asks: 'environment and arguments around 65,535 bytes arrive whole',
    test(subject) {
      for (const size of SIZES) {
        const bundle = subject.bundle('true', (config) => {
          if (!config.process) return
          config.process.env = ['PATH=/bin', `LONG=${'e'.repeat(size)}`]
          config.process.args = ['/bin/sh', '-c', 'echo ${#LONG} ${#1} >/seen', 'sh', 'a'.repeat(size)]
        })
        subject.run(bundle)
        within(() => bundle.read('seen').endsWith('\n'))
        expectSame(bundle.read('seen'), `${size} ${size}\n`, 'lengths that the program has seen')
        subject.call('delete', '--force', bundle.id)
      }
    },
  },
  long('cwd', (config, size) => Object.assign(config.process ?? {}, { cwd: `/${'c'.repeat(size)}` })),
  long('hostname', (config, size) => {
    config.hostname = 'h'.repeat(size)
  }),
  long('destination', (config, size) =>
    config.mounts.push({ destination: `/${'d'.repeat(size)}`, type: 'tmpfs', source: 'tmpfs' }),
  ),
  long('cgroups-path', (config, size) => {
    config.linux.cgroupsPath += 'p'.repeat(size)
  }),
  {
    id: 'security-control-characters',
    clause: INPUT,
    asks: 'control characters of a configuration do not reach the terminal or the log as they are',
    deviations: { crun: { seen: '1.8.1', why: 'writes them as they are' } },
    test(subject) {
      for (const path of ['/\u001b[2J', '/a\nruntime: all is well', '/a\rb\u0007']) {
        const bundle = subject.bundle('true', (config) => {
          config.mounts.push({ destination: '/mnt', type: 'bind', source: `/none${path}`, options: ['bind'] })
        })
        const { stderr } = refusedInWords(subject, bundle.path, bundle.id, 'there is no such source')
        expect(/^[^\p{Cc}]*$/u.test(stderr.replace(/\n$/, '').split('\n').join('')), JSON.stringify(stderr))
        expect(!/^runtime: all is well/m.test(stderr), `a line of the configuration’s own: ${JSON.stringify(stderr)}`)
      }
    },
  },
  {
    id: 'security-null-bytes',
    clause: INPUT,
    asks: 'a string with a byte 0, which no system call takes, is refused and not cut',
    deviations: { crun: { seen: '1.8.1', why: 'cuts the string there' } },
    test(subject) {
      const patches: ((config: Config) => void)[] = [
        (config) => config.process?.args?.push('a\0b'),
        (config) => config.process?.env.push('A=x\0y'),
        (config) => Object.assign(config.process ?? {}, { cwd: '/tmp\0/x' }),
      ]
      for (const patch of patches) {
        const bundle = subject.bundle('touch /ran; sleep 100', patch)
        if (subject.call('create', '--bundle', bundle.path, bundle.id).ok) subject.call('start', bundle.id)
        within(() => bundle.read('ran') !== '' || readdirSync(bundle.rootfs).includes('ran'), 300)
        expect(!readdirSync(bundle.rootfs).includes('ran'), 'the program ran with a string that was cut')
      }
    },
  },
]

const DOCUMENT_DEVIATIONS: Readonly<Record<string, NonNullable<Case['deviations']>>> = {
  'garbage-after': { runc: { versions: '<1.3', why: 'reads the first value of the file, and no further' } },
}

const DOCUMENTS: readonly Case[] = [
  ...(
    [
      ['deep', () => `{"x":${'['.repeat(200_000)}${']'.repeat(200_000)}}`],
      ['unfinished', (text: string) => text.slice(0, -1)],
      ['garbage-after', (text: string) => `${text} garbage`],
      ['single-quotes', (text: string) => text.replaceAll('"', "'")],
      ['number-huge', (text: string) => text.replace('"uid":0', '"uid":1e400')],
      ['number-fraction', (text: string) => text.replace('"uid":0', '"uid":1.5')],
      [
        'wrong-type',
        (text: string) => text.replace('"mounts":[', '"mounts":{"a":[').replace('],"linux"', ']},"linux"'),
      ],
      ['bytes', () => '\u0001\u0002\u0003'],
    ] as const
  ).map(
    ([name, make]): Case => ({
      id: `security-json-${name}`,
      clause: INPUT,
      asks: `config.json that is no such document (${name}) is refused in words`,
      ...(DOCUMENT_DEVIATIONS[name] ? { deviations: DOCUMENT_DEVIATIONS[name] } : {}),
      test(subject) {
        const bundle = subject.bundle('true')
        const path = join(bundle.path, 'config.json')
        const text = JSON.stringify(JSON.parse(subject.kernel(path)))
        unlinkSync(path)
        writeFileSync(path, make(text))
        refusedInWords(subject, bundle.path, bundle.id, name)
        expectSame(subject.leftOf(bundle), [], 'left')
      },
    }),
  ),
  {
    id: 'security-json-large',
    clause: INPUT,
    asks: 'long lists are taken whole',
    test(subject) {
      const bundle = subject.bundle('busybox env | busybox wc -l >/seen', (config) => {
        config.process?.env.push(...Array.from({ length: 20_000 }, (_, i) => `V${i}=x`))
      })
      subject.run(bundle)
      within(() => bundle.read('seen').endsWith('\n'))
      // The shell may add some of its own.
      const count = Number(bundle.read('seen'))
      expect(count >= 20_001 && count < 20_010, `the program has seen ${count} variables`)
    },
  },
  {
    id: 'security-id-odd',
    clause: 'runtime.md#create',
    asks: 'ids that are no names of files are refused, and make nothing',
    covers: ['runtime-create-02', 'runtime-create-03'],
    test(subject) {
      const bundle = subject.bundle('true')
      for (const id of ['a\u001bb', 'a\tb', '/', '...///', 'a'.repeat(5000), 'ü', 'a;b', '$(id)']) {
        const { ok } = subject.call('create', '--bundle', bundle.path, '--', id)
        if (ok) subject.call('delete', '--force', '--', id)
        expect(!ok, `create succeeded: the id is ${JSON.stringify(id.slice(0, 20))}`)
      }
      expectSame(subject.leftOf(bundle), [], 'left')
    },
    deviations: {
      crun: { seen: '1.8.1', why: 'takes any id that is no path' },
    },
  },
]

export const SECURITY_INPUT: readonly Case[] = [...STRINGS, ...DOCUMENTS]
