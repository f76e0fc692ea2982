/** runtime.md#create: what is a bundle, and what is none. */
import { mkdirSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Case, expect, expectSame } from '../suite.ts'

export const BUNDLES: readonly Case[] = [
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
