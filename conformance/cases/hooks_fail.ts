/** Hooks that fail, or do not end: what becomes of the container, by the lifecycle’s steps 3 to 13. */
import { existsSync } from 'node:fs'
import { hook, ON_CREATE } from '../hook.ts'
import { type Case, expect, expectSame } from '../suite.ts'

/** The rule about a hook of the stage that fails. */
const FAILS: Readonly<Record<string, string>> = {
  prestart: 'runtime-lifecycle-07',
  createRuntime: 'runtime-lifecycle-09',
  createContainer: 'runtime-lifecycle-11',
}

export const HOOKS_FAIL: readonly Case[] = [
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
