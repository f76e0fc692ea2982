/** config-linux.md#cgroups-path */
import { existsSync, mkdirSync, rmdirSync } from 'node:fs'
import { needPaths } from '../cgroup_driver.ts'
import { cgroupOf, needController, placeOf } from '../cgroups.ts'
import { cgroupsNamed } from '../host.ts'
import { ofProcess, pidOf, written } from '../look.ts'
import { type Case, expect, expectSame } from '../suite.ts'
import { OWNERS } from './cgroup_owner.ts'
import { RULED } from './device_rules.ts'

const PATH = 'config-linux.md#cgroups-path'

/** One controller that every layout has somewhere. */
const someController = () => ['pids', 'memory', 'cpu'].find((name) => placeOf(name)) ?? 'pids'

const PATHS: readonly Case[] = [
  {
    id: 'cgroup-path-from-mount-point',
    clause: PATH,
    asks: 'an absolute path MUST be taken from the mount point of cgroups, in every hierarchy',
    covers: ['linux-cgroups-path-02'],
    test(subject) {
      needPaths(subject.setting.driver)
      const bundle = subject.bundle('sleep 100')
      bundle.configure((config) => {
        config.linux.cgroupsPath = `/${bundle.id}-a/${bundle.id}`
      })
      const own = ofProcess(process.pid, 'cgroup')
      subject.run(bundle)
      const lines = ofProcess(pidOf(subject, bundle.id), 'cgroup').trim().split('\n')
      subject.showed('/proc/PID/cgroup', lines.join('\n'))
      const elsewhere = lines.filter((line) => !line.endsWith(`:/${bundle.id}-a/${bundle.id}`) && !own.includes(line))
      try {
        expectSame(elsewhere, [], 'cgroups elsewhere')
        expect(
          lines.some((line) => line.endsWith(`:/${bundle.id}-a/${bundle.id}`)),
          'it is nowhere',
        )
      } finally {
        subject.call('delete', '--force', bundle.id)
        for (const path of cgroupsNamed(`${bundle.id}-a`)) rmdirSync(path)
      }
    },
  },
  {
    id: 'cgroup-path-relative-same',
    clause: PATH,
    asks: 'a relative path MUST be the same place each time',
    covers: ['linux-cgroups-path-03'],
    test(subject) {
      needPaths(subject.setting.driver)
      const bundle = subject.bundle('sleep 100')
      bundle.configure((config) => {
        config.linux.cgroupsPath = bundle.id
      })
      const places = [1, 2].map(() => {
        subject.run(bundle)
        const place = ofProcess(pidOf(subject, bundle.id), 'cgroup')
        subject.must('delete', '--force', bundle.id)
        return place
      })
      expect(places[0]?.includes(bundle.id) === true, `cgroups: ${places[0]}`)
      expectSame(places[1], places[0], 'cgroups the second time')
    },
  },
  {
    id: 'cgroup-path-unset',
    clause: PATH,
    asks: 'without a path the container has a cgroup of its own all the same',
    test(subject) {
      const bundle = subject.bundle('sleep 100')
      bundle.configure((config) => {
        delete config.linux.cgroupsPath
      })
      subject.run(bundle)
      const controller = someController()
      const [own, theirs] = [cgroupOf(process.pid, controller), cgroupOf(pidOf(subject, bundle.id), controller)]
      expect(theirs !== own, `the container is in the cgroup of the runtime: ${own}`)
      subject.must('delete', '--force', bundle.id)
      expect(!existsSync(theirs), `left: ${theirs}`)
    },
  },
  {
    id: 'cgroup-path-existing',
    clause: PATH,
    asks: 'a cgroup that exists already is used',
    test(subject) {
      needPaths(subject.setting.driver)
      const bundle = subject.bundle('sleep 100')
      const { mount } = needController(someController())
      const path = `${mount}/${bundle.id}`
      mkdirSync(path)
      try {
        subject.run(bundle)
        expectSame(cgroupOf(pidOf(subject, bundle.id), someController()), path, 'cgroup')
      } finally {
        subject.call('delete', '--force', bundle.id)
        if (existsSync(path)) rmdirSync(path)
      }
    },
  },
  {
    id: 'cgroup-all-processes',
    clause: 'config-linux.md#control-groups',
    asks: 'children of the process are in its cgroup',
    test(subject) {
      const bundle = subject.bundle('sleep 300 & sleep 300 & echo up >/up; sleep 300')
      subject.run(bundle)
      const pid = pidOf(subject, bundle.id)
      expectSame(written(`${bundle.rootfs}/up`), 'up\n', 'program')
      const children = ofProcess(pid, `task/${pid}/children`).trim().split(' ').map(Number)
      const procs = subject
        .kernel(`${cgroupOf(pid, someController())}/cgroup.procs`)
        .trim()
        .split('\n')
        .map(Number)
      expect(
        children.length >= 2 && children.every((one) => procs.includes(one)),
        `children ${children}, cgroup ${procs}`,
      )
    },
  },
]

export const CGROUP_PATHS: readonly Case[] = [...PATHS, ...OWNERS, ...RULED]
