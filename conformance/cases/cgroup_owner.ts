/** config-linux.md#cgroup-ownership */
import { readdirSync, statSync } from 'node:fs'
import { cgroupOf, needController, placeOf } from '../cgroups.ts'
import { pidOf } from '../look.ts'
import { type Case, expectSame, HostCannot } from '../suite.ts'

const OWNER = 'config-linux.md#cgroup-ownership'

/** One controller that every layout has somewhere. */
const someController = () => ['pids', 'memory', 'cpu'].find((name) => placeOf(name)) ?? 'pids'

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

export const OWNERS: readonly Case[] = [
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
    deviations: {
      runc: { seen: '1.1.15', only: ['cgroupfs'], why: 'changes the owner of what systemd has made only' },
      crun: { seen: '1.8.1', why: 'changes the owner for a user namespace only' },
    },
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
