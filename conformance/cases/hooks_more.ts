/** config.md#posix-platform-hooks: where hooks run, and with what. */
import { existsSync } from 'node:fs'
import type { Bundle, Hook } from '../bundle.ts'
import type { State } from '../call.ts'
import { rootOf, setHooks } from '../hook.ts'
import { namespaceOf, pidOf, written } from '../look.ts'
import type { Subject } from '../subject.ts'
import { type Case, expect, expectSame } from '../suite.ts'

const HOOKS = 'config.md#posix-platform-hooks'
const OUTSIDE = ['prestart', 'createRuntime', 'poststart', 'poststop']
const STAGES = [...OUTSIDE, 'createContainer', 'startContainer']
const script = (text: string): Hook => ({ path: '/bin/sh', args: ['sh', '-c', text] })

const PROGRAM = 'echo up >/up; sleep 100'

/** Runs a container with these hooks through its whole life: until its program runs, then to its end. */
function live(subject: Subject, bundle: Bundle): void {
  subject.run(bundle)
  expectSame(written(`${bundle.rootfs}/up`), 'up\n', 'what the program wrote')
  subject.must('kill', bundle.id, 'KILL')
  subject.await(bundle.id, 'stopped')
  subject.must('delete', bundle.id)
}

const PLACES: readonly Case[] = [
  ...OUTSIDE.map(
    (stage): Case => ({
      id: `hooks-${stage}-namespace`,
      clause: HOOKS,
      asks: `${stage} hooks MUST be executed in the runtime namespace`,
      covers: [`config-hooks-${stage}-run`, `config-hooks-${stage}-run-listed`],
      test(subject) {
        const bundle = subject.bundle(PROGRAM)
        const look = ['mnt', 'net', 'pid', 'uts', 'ipc'].map((name) => `readlink /proc/self/ns/${name}`).join(';')
        setHooks(bundle, { [stage]: [script(`{ ${look}; } >${bundle.rootfs}/seen`)] })
        live(subject, bundle)
        const own = ['mnt', 'net', 'pid', 'uts', 'ipc'].map((name) => namespaceOf('self', name))
        expectSame(bundle.read('seen').trim().split('\n'), own, 'namespaces of the hook')
      },
    }),
  ),
  ...['createContainer', 'startContainer'].map(
    (stage): Case => ({
      id: `hooks-${stage}-namespace`,
      clause: HOOKS,
      asks: `${stage} hooks MUST be executed in the container namespace`,
      covers: [`config-hooks-${stage}-run`, `config-hooks-${stage}-run-listed`],
      test(subject) {
        const bundle = subject.bundle(`readlink /proc/self/ns/mnt >/own; ${PROGRAM}`)
        const read = stage === 'startContainer' ? '/bin/readlink' : 'readlink'
        setHooks(bundle, { [stage]: [script(`${read} /proc/self/ns/mnt >${rootOf(stage, bundle)}/seen`)] })
        live(subject, bundle)
        expect(bundle.read('own').startsWith('mnt:'), 'the program has seen no namespace')
        expectSame(bundle.read('seen'), bundle.read('own'), 'mount namespace of the hook, and that of the program')
      },
    }),
  ),
  {
    id: 'hooks-startContainer-path',
    clause: HOOKS,
    asks: 'the path of startContainer hooks MUST resolve in the container namespace',
    covers: ['config-hooks-startContainer-path', 'config-hooks-startContainer-path-listed'],
    test(subject) {
      const bundle = subject.bundle(PROGRAM)
      // Only the container has this one.
      setHooks(bundle, { startContainer: [{ path: '/bin/touch', args: ['touch', '/ran'] }] })
      live(subject, bundle)
      expect(existsSync(`${bundle.rootfs}/ran`), 'the hook did not run')
    },
  },
  {
    id: 'hooks-createRuntime-after-namespaces',
    clause: HOOKS,
    asks: 'createRuntime hooks are called after the namespaces are created: pid leads to them',
    covers: ['config-hooks-createRuntime-01'],
    test(subject) {
      const bundle = subject.bundle(PROGRAM)
      const find = 'pid=$(tr -d " \\n" | sed "s/.*\\"pid\\":\\([0-9]*\\).*/\\1/")'
      const read = ['net', 'uts', 'ipc'].map((name) => `readlink /proc/$pid/ns/${name}`).join(';')
      setHooks(bundle, { createRuntime: [script(`${find}; { ${read}; } >${bundle.rootfs}/seen`)] })
      subject.run(bundle)
      const pid = pidOf(subject, bundle.id)
      expectSame(
        bundle.read('seen').trim().split('\n'),
        ['net', 'uts', 'ipc'].map((name) => namespaceOf(pid, name)),
        'namespaces of the process as the hook found them',
      )
    },
  },
  {
    id: 'hooks-poststop-forced',
    clause: 'runtime.md#lifecycle',
    asks: 'the poststop hooks MUST be invoked when the container is deleted, by force as well',
    covers: ['runtime-lifecycle-18', 'config-hooks-poststop-01'],
    test(subject) {
      const bundle = subject.bundle(PROGRAM)
      setHooks(bundle, { poststop: [script(`cat >${bundle.rootfs}/state`)] })
      subject.run(bundle)
      pidOf(subject, bundle.id)
      subject.must('delete', '--force', bundle.id)
      const text = bundle.read('state')
      expect(text !== '', 'the hook was not called')
      expectSame((JSON.parse(text) as State).id, bundle.id, 'id given to the hook')
    },
  },
]

const CALLS: readonly Case[] = [
  ...STAGES.map(
    (stage): Case => ({
      id: `hooks-${stage}-env`,
      clause: HOOKS,
      asks: `env of a ${stage} hook is its environment, args are its arguments`,
      test(subject) {
        const bundle = subject.bundle(PROGRAM)
        const read = stage === 'startContainer' ? '/bin/cat' : 'cat'
        const text = `${read} >/dev/null; echo "$0,$1,$A,\${B-unset},\${CONFORMANCE_SECRET-unset}" >${rootOf(stage, bundle)}/seen`
        const hook = { path: '/bin/sh', args: ['sh', '-c', text, 'zero', 'one two'], env: ['A=b=c d'] }
        setHooks(bundle, { [stage]: [hook] })
        process.env.CONFORMANCE_SECRET = 'leaked'
        try {
          live(subject, bundle)
        } finally {
          delete process.env.CONFORMANCE_SECRET
        }
        expectSame(bundle.read('seen'), 'zero,one two,b=c d,unset,unset\n', 'what the hook was given')
      },
    }),
  ),
  {
    id: 'hooks-state-annotations',
    clause: HOOKS,
    asks: 'the state MUST be passed to hooks over stdin: with its annotations',
    covers: ['config-hooks-08'],
    test(subject) {
      const bundle = subject.bundle(PROGRAM)
      setHooks(bundle, { createRuntime: [script(`cat >${bundle.rootfs}/state`)] })
      bundle.configure((config) => {
        config.annotations = { 'org.example.a': 'x"y\nz', 'org.example.empty': '' }
      })
      subject.create(bundle)
      const { annotations } = JSON.parse(bundle.read('state')) as State
      expectSame(annotations?.['org.example.a'], 'x"y\nz', 'an annotation')
      expectSame(annotations?.['org.example.empty'], '', 'an empty one')
    },
  },
  {
    id: 'hooks-stdin-unread',
    clause: HOOKS,
    asks: 'a hook that does not read its stdin has not failed, however much there is to read',
    deviations: { crun: { seen: '1.8.1', why: 'waits for ever for a hook to read what a pipe does not hold' } },
    test(subject) {
      const bundle = subject.bundle(PROGRAM)
      setHooks(bundle, { createRuntime: [script('exec 0</dev/null; exit 0')], poststop: [script('exit 0')] })
      bundle.configure((config) => {
        config.annotations = { 'org.example.long': 'x'.repeat(300_000) }
      })
      live(subject, bundle)
    },
  },
  {
    id: 'hooks-stops-at-failure',
    clause: 'runtime.md#lifecycle',
    asks: 'after a prestart hook has failed no later hook of create is called',
    covers: ['runtime-lifecycle-07', 'config-hooks-prestart-02'],
    test(subject) {
      const bundle = subject.bundle('true')
      const mark = (name: string) => script(`touch ${bundle.rootfs}/${name}`)
      setHooks(bundle, {
        prestart: [script('exit 1')],
        createRuntime: [mark('later')],
        createContainer: [mark('later')],
      })
      subject.mustFail(['create', '--bundle', bundle.path, bundle.id], 'a prestart hook failed')
      expect(!existsSync(`${bundle.rootfs}/later`), 'a later hook was called')
      expectSame(subject.leftOf(bundle), [], 'left')
    },
  },
  {
    id: 'hooks-killed',
    clause: 'runtime.md#lifecycle',
    asks: 'a hook that a signal ends has failed',
    test(subject) {
      const bundle = subject.bundle('true')
      setHooks(bundle, { createRuntime: [script('kill -KILL $$')] })
      subject.mustFail(['create', '--bundle', bundle.path, bundle.id], 'a hook was killed')
      expectSame(subject.leftOf(bundle), [], 'left')
    },
  },
]

export const HOOKS_MORE: readonly Case[] = [...PLACES, ...CALLS]
