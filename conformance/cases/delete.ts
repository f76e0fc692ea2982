/** runtime.md#delete */
import { mkdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { needPaths } from '../cgroup_driver.ts'
import { cgroupsNamed, hierarchies, isAlive } from '../host.ts'
import { type Case, expect, expectSame } from '../suite.ts'

export const DELETE: readonly Case[] = [
  {
    id: 'delete-removes',
    clause: 'runtime.md#delete',
    asks: 'delete MUST delete what create made: cgroups, mounts, state; the id may then be used again',
    covers: ['runtime-lifecycle-17', 'runtime-delete-04'],
    test(subject) {
      const bundle = subject.bundle('sleep 100')
      subject.run(bundle)
      expect(cgroupsNamed(bundle.id).length > 0, `no cgroup named ${bundle.id} while the container runs`)
      subject.must('kill', bundle.id, 'KILL')
      subject.await(bundle.id, 'stopped')
      subject.must('delete', bundle.id)
      expect(!subject.exists(bundle.id), 'the container exists')
      expectSame(subject.leftOf(bundle), [], 'left')
      subject.run(bundle)
      subject.await(bundle.id, 'running')
    },
  },
  {
    id: 'delete-running',
    clause: 'runtime.md#delete',
    asks: 'delete of a container that is not stopped MUST have no effect and MUST generate an error: running',
    covers: ['runtime-delete-02', 'runtime-delete-03'],
    test(subject) {
      const bundle = subject.bundle('sleep 100')
      subject.run(bundle)
      const before = subject.await(bundle.id, 'running')
      subject.mustFail(['delete', bundle.id], 'it is running')
      expectSame(subject.state(bundle.id), before, 'state')
      expect(isAlive(before.pid ?? 0), 'the process died')
    },
  },
  {
    id: 'delete-created',
    clause: 'runtime.md#delete',
    asks: 'delete of a container that is not stopped MUST have no effect and MUST generate an error: created',
    covers: ['runtime-delete-02', 'runtime-delete-03'],
    // Engines rely on it. davit keeps company.
    deviations: {
      runc: { versions: '>=0.1', why: 'a created container, whose program never ran, may be deleted (runc#1774)' },
      crun: { seen: '1.8.1', why: 'a created container, whose program never ran, may be deleted (crun#838)' },
      youki: { versions: '>=0', why: 'a created container, whose program never ran, may be deleted (youki#1654)' },
      davit: {
        versions: '>=0.1',
        why: 'a created container, whose program never ran, may be deleted, as by runc, crun and youki',
      },
    },
    test(subject) {
      const bundle = subject.bundle('sleep 100')
      subject.create(bundle)
      subject.mustFail(['delete', bundle.id], 'it is created')
      expectSame(subject.state(bundle.id).status, 'created', 'status')
    },
  },
  {
    id: 'delete-unknown',
    clause: 'runtime.md#delete',
    asks: 'delete MUST generate an error without the id of a container',
    covers: ['runtime-delete-01'],
    test(subject) {
      subject.mustFail(['delete', 'conf-unknown'], 'there is no such container')
      subject.mustFail(['delete'], 'there was no id')
    },
  },
  {
    id: 'delete-own-only',
    clause: 'runtime.md#delete',
    asks: 'resources associated with the container, but not created by it, MUST NOT be deleted: a cgroup beside its own',
    covers: ['runtime-delete-05'],
    test(subject) {
      const bundle = subject.bundle('true')
      needPaths(subject.setting.driver)
      const hierarchy = hierarchies().find((path) => /pids|unified$|cgroup$/.test(path)) ?? ''
      const parent = join(hierarchy, `${bundle.id}-parent`)
      const sibling = join(parent, 'sibling')
      mkdirSync(sibling, { recursive: true })
      try {
        bundle.configure((config) => {
          config.linux.cgroupsPath = `/${bundle.id}-parent/${bundle.id}`
        })
        subject.run(bundle)
        subject.await(bundle.id, 'stopped')
        subject.must('delete', bundle.id)
        expectSame(cgroupsNamed(bundle.id), [], 'cgroups of the container')
        expect(cgroupsNamed('sibling').includes(sibling), 'the cgroup beside it was deleted')
      } finally {
        for (const path of cgroupsNamed('sibling').filter((found) => found === sibling)) rmdirSync(path)
        for (const path of cgroupsNamed(`${bundle.id}-parent`)) rmdirSync(path)
      }
    },
  },
  {
    id: 'delete-kills-orphans',
    clause: 'runtime.md#delete',
    asks: 'when the container process has exited, no process of its pid namespace outlives it',
    covers: ['runtime-delete-04'],
    test(subject) {
      const bundle = subject.bundle('sleep 100 & sleep 0.1')
      subject.run(bundle)
      subject.await(bundle.id, 'stopped')
      subject.must('delete', bundle.id)
      expectSame(subject.leftOf(bundle), [], 'left')
    },
  },
]
