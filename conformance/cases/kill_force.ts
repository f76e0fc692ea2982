/** kill and delete --force: whom they reach. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { cgroupsNamed, isAlive, pause } from '../host.ts'
import { ofProcess, pidOf } from '../look.ts'
import { type Case, expect, expectSame } from '../suite.ts'

export const KILLING: readonly Case[] = [
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
