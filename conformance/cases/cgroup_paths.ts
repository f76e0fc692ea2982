/** config-linux.md#cgroups-path, cgroup ownership and the list of allowed devices. */
import { existsSync, mkdirSync, readdirSync, rmdirSync, statSync } from 'node:fs'
import { cgroupOf, needController, placeOf } from '../cgroups.ts'
import { cgroupsNamed, within } from '../host.ts'
import { ofProcess, pidOf, written } from '../look.ts'
import { type Case, expect, expectSame, HostCannot } from '../suite.ts'

const PATH = 'config-linux.md#cgroups-path'
const OWNER = 'config-linux.md#cgroup-ownership'
const RULES = 'config-linux.md#allowed-device-list'
/** One controller that every layout has somewhere. */
const someController = () => ['pids', 'memory', 'cpu'].find((name) => placeOf(name)) ?? 'pids'

const PATHS: readonly Case[] = [
  {
    id: 'cgroup-path-from-mount-point',
    clause: PATH,
    asks: 'an absolute path MUST be taken from the mount point of cgroups, in every hierarchy',
    covers: ['linux-cgroups-path-02'],
    test(subject) {
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

const owned = (
  id: string,
  asks: string,
  covers: string[],
  change: (config: { linux: { namespaces: { type: string }[] } }) => void,
): Case => ({
  id,
  clause: OWNER,
  asks,
  covers,
  test(subject) {
    const controller = someController()
    if (needController(controller).version === 2 && covers.includes('linux-cgroups-owner-01'))
      throw new HostCannot(`${controller} is a controller of cgroup v2`)
    const bundle = subject.bundle('sleep 100', (config) => {
      Object.assign(config.process?.user ?? {}, { uid: 1000, gid: 1000 })
      change(config)
    })
    subject.run(bundle)
    const folder = cgroupOf(pidOf(subject, bundle.id), controller)
    const owners = [folder, ...readdirSync(folder).map((name) => `${folder}/${name}`)].map((path) => [
      path,
      statSync(path).uid,
    ])
    expectSame(
      owners.filter(([, uid]) => uid !== 0),
      [],
      'files that are not root’s',
    )
  },
})

const OWNERS: readonly Case[] = [
  owned(
    'cgroup-owner-v1',
    'v1: the runtime SHOULD NOT change the owner of cgroups',
    ['linux-cgroups-owner-01'],
    (config) => {
      config.linux.namespaces.push({ type: 'cgroup' })
    },
  ),
  owned(
    'cgroup-owner-no-namespace',
    'without a new cgroup namespace the owner SHOULD NOT be changed',
    ['linux-cgroups-owner-02'],
    () => {},
  ),
  owned(
    'cgroup-owner-no-mount',
    'without a mount of cgroups the owner SHOULD NOT be changed',
    ['linux-cgroups-owner-04'],
    (config) => {
      config.linux.namespaces.push({ type: 'cgroup' })
    },
  ),
  {
    id: 'cgroup-owner-delegated',
    clause: OWNER,
    asks: 'v2, a new cgroup namespace and cgroups mounted to be written: the directory and the kernel’s list change, no other',
    covers: [
      'linux-cgroups-owner-03',
      'linux-cgroups-owner-05',
      'linux-cgroups-owner-06',
      'linux-cgroups-owner-07',
      'linux-cgroups-owner-09',
    ],
    deviations: { crun: { seen: '1.8.1', why: 'changes the owner for a user namespace only' } },
    test(subject) {
      const controller = someController()
      if (needController(controller).version === 1) throw new HostCannot(`${controller} is a controller of cgroup v1`)
      const list = subject.kernel('/sys/kernel/cgroup/delegate').trim().split('\n')
      const bundle = subject.bundle('sleep 100', (config) => {
        Object.assign(config.process?.user ?? {}, { uid: 1000, gid: 1000 })
        config.linux.namespaces.push({ type: 'cgroup' })
        config.mounts.push({ destination: '/sys', type: 'sysfs', source: 'sysfs' })
        config.mounts.push({ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup' })
      })
      subject.run(bundle)
      const folder = cgroupOf(pidOf(subject, bundle.id), controller)
      const names = readdirSync(folder).filter((name) => !statSync(`${folder}/${name}`).isDirectory())
      const theirs = names.filter((name) => statSync(`${folder}/${name}`).uid === 1000).sort()
      expectSame(statSync(folder).uid, 1000, 'owner of the directory')
      expectSame(theirs, list.filter((name) => names.includes(name)).sort(), 'files of user 1000')
    },
  },
]

/** A device no container has by default: writing to the log of the kernel, of which nothing is written. */
const KMSG = { path: '/dev/log-of-kernel', type: 'c', major: 1, minor: 11, fileMode: 0o666, uid: 0, gid: 0 }
const rule = (allow: boolean, more: Record<string, unknown> = {}) => ({ allow, access: 'rwm', ...more })
const OWN = { type: 'c', major: 1, minor: 11 }

/** A case that tries to open the device in a container with these rules. */
const device = (
  id: string,
  asks: string,
  rules: readonly unknown[],
  opens: boolean,
  more: Pick<Case, 'deviations'> = {},
): Case => ({
  ...more,
  id: `device-rules-${id}`,
  clause: RULES,
  asks,
  covers: ['linux-device-rules-01'],
  test(subject) {
    needController('devices')
    const bundle = subject.bundle(
      '{ : >/dev/log-of-kernel && echo open; } >/seen 2>&1; echo end >>/seen; sleep 100',
      (config) => {
        Object.assign(config.linux, { devices: [KMSG], resources: { devices: rules } })
      },
    )
    subject.run(bundle)
    within(() => bundle.read('seen').endsWith('end\n'))
    const seen = bundle.read('seen')
    subject.showed('the program', seen)
    if (opens) expectSame(seen, 'open\nend\n', 'opening the device')
    else
      expect(
        /Operation not permitted/.test(seen) && !/^open/m.test(seen),
        `opening the device: ${JSON.stringify(seen)}`,
      )
  },
})

const RULED: readonly Case[] = [
  device('deny-all', 'what no rule allows is not allowed', [rule(false)], false),
  device('allow', 'what a rule allows is allowed', [rule(false), rule(true, OWN)], true),
  device(
    'order',
    'rules MUST be applied in the listed order: the later counts',
    [rule(false), rule(true, OWN), rule(false, OWN)],
    false,
  ),
  device(
    'order-again',
    'rules MUST be applied in the listed order: allowed in the end',
    [rule(false), rule(false, OWN), rule(true, OWN)],
    true,
  ),
  device(
    'access',
    'a rule that allows to read does not allow to write',
    [rule(false), rule(true, { ...OWN, access: 'r' })],
    false,
  ),
  device('wildcard', 'a rule without numbers is for all', [rule(false), rule(true, { type: 'c' })], true),
  device(
    'other-minor',
    'a rule for another minor number is for that one',
    [rule(false), rule(true, { ...OWN, minor: 12 })],
    false,
  ),
]

export const CGROUP_PATHS: readonly Case[] = [...PATHS, ...OWNERS, ...RULED]
