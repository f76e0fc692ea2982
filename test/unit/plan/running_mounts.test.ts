import { describe, expect, test } from 'vitest'
import type { NamespaceType } from '../../../src/kernel/namespaces.ts'
import { checkVisit } from '../../../src/plan/check.ts'
import { printPlan } from '../../../src/plan/print.ts'
import { planAdd, planRemove, planTakeBack, type RunningInput } from '../../../src/plan/running_mounts.ts'
import type { Plan } from '../../../src/plan/step.ts'
import type { Mount } from '../../../src/spec/types.gen.ts'
import { encodePlan } from '../../../src/wire/encode.ts'
import { CONFIG, FACTS } from './base.ts'

const input = (join: readonly NamespaceType[] = ['mount', 'pid', 'network', 'ipc', 'uts']): RunningInput => ({
  spec: CONFIG,
  facts: FACTS,
  id: 'c1',
  bundle: '/b',
  pid: 77,
  join,
})

const ALL: readonly Mount[] = [
  { destination: '/t', type: 'tmpfs', source: 'tmpfs', options: ['ro', 'size=1m'] },
  { destination: '/t/b', source: 'data', options: ['rbind', 'ro'] },
  { destination: '/sys2', type: 'sysfs' },
  { destination: '/q', type: 'mqueue' },
  { destination: '/disk', type: 'ext4', source: '/dev/sdb1', options: ['ro', 'nosuid', 'data=journal'] },
]

/** A sound plan as text. */
function shown(plan: Plan): string {
  checkVisit(plan)
  encodePlan(plan, new Map(plan.presets.map(({ slot }, index) => [slot, index + 3])), 'x64')
  return printPlan(plan)
}

describe('mounts of a running container', () => {
  test('are added by a visitor that hides, enters, works on fds and tells the parent of each before it is attached', () => {
    expect(shown(planAdd(input(), ALL, 'list'))).toMatchInlineSnapshot(`
      "opened by the parent:
         0  slot 0 = socket
         1  slot 3 = open "/proc"
         2  slot 17 = pidfd
      parent:
         0  clone init []
         1  keep mount
         2  give open_tree "/b/data" clone recursive  # /1
         3  keep mount
         4  keep mount
         5  keep mount
         6  give fsmount "ext4" of "/dev/sdb1" options ro,data=journal (rdonly,nosuid)  # /4
         7  keep mount
         8  await ready
         9  answer ready
      init:
         0  prctl PR_SET_DUMPABLE 0
         1  prctl PR_SET_PDEATHSIG 9
         2  umask 00
         3  setns slot 17 [mount,network,ipc]
         4  close slot 17
         5  open "/" => slot 1
         6  make path "/t" in slot 1 (directory, 01777) => slot 10  # /0
         7  fsmount "tmpfs" options size=1m => slot 16  # /0
         8  send slot 16 as mount  # /0
         9  move_mount slot 16 to slot 10  # /0
        10  take a mount from the parent => slot 9  # /1
        11  mount_setattr slot 9 recursive slave  # /1
        12  mount_setattr slot 9 set rdonly  # /1
        13  send slot 9 as mount  # /1
        14  move_mount slot 9 to "/t/b" in slot 1 (made like the mount)  # /1
        15  fsmount "sysfs" => slot 9  # /2
        16  send slot 9 as mount  # /2
        17  move_mount slot 9 to "/sys2" in slot 1 no-links (directory)  # /2
        18  fsmount "mqueue" => slot 9  # /3
        19  send slot 9 as mount  # /3
        20  move_mount slot 9 to "/q" in slot 1 (directory)  # /3
        21  take a mount from the parent => slot 9  # /4
        22  send slot 9 as mount  # /4
        23  move_mount slot 9 to "/disk" in slot 1 (directory)  # /4
        24  mount_setattr slot 16 set rdonly  # /0
        25  close slot 16
        26  sync ready and wait
      "
    `)
  })

  test('in a user namespace, as its root; cgroups in their namespace', () => {
    const mounts = [{ destination: '/cg', type: 'cgroup', options: ['ro'] }]
    expect(shown(planAdd(input(['user', 'cgroup', 'mount', 'pid']), mounts, 'list'))).toMatchInlineSnapshot(`
      "opened by the parent:
         0  slot 0 = socket
         1  slot 3 = open "/proc"
         2  slot 16 = pidfd
      parent:
         0  clone init []
         1  keep mount
         2  await ready
         3  answer ready
      init:
         0  prctl PR_SET_DUMPABLE 0
         1  prctl PR_SET_PDEATHSIG 9
         2  umask 00
         3  setns slot 16 [user,cgroup,mount]
         4  close slot 16
         5  prctl PR_SET_DUMPABLE 0
         6  setresgid 0
         7  setresuid 0
         8  prctl PR_SET_DUMPABLE 0
         9  prctl PR_SET_PDEATHSIG 9
        10  open "/" => slot 1
        11  fsmount "cgroup2" of "cgroup" (rdonly) => slot 9  # /0
        12  send slot 9 as mount  # /0
        13  move_mount slot 9 to "/cg" in slot 1 (directory)  # /0
        14  sync ready and wait
      "
    `)
  })

  test('are removed once all are found, the last first', () => {
    const mounts = [{ destination: '/a' }, { destination: 'a//b/../c' }]
    expect(shown(planRemove(input(['mount']), mounts, 'list'))).toMatchInlineSnapshot(`
      "opened by the parent:
         0  slot 0 = socket
         1  slot 3 = open "/proc"
         2  slot 18 = pidfd
      parent:
         0  clone init []
         1  await ready
         2  answer ready
      init:
         0  prctl PR_SET_DUMPABLE 0
         1  prctl PR_SET_PDEATHSIG 9
         2  umask 00
         3  setns slot 18 [mount]
         4  close slot 18
         5  open "/" => slot 1
         6  open "/a" in slot 1 in-root => slot 16  # /0
         7  verify slot 16 is a mount  # /0
         8  open "/a/c" in slot 1 in-root => slot 17  # /1
         9  verify slot 17 is a mount  # /1
        10  umount slot 17  # /1
        11  umount slot 16  # /0
        12  sync ready and wait
      "
    `)
  })

  test('are taken back in reverse, whatever of them was attached', () => {
    expect(shown(planTakeBack(input(['mount']), 2))).toMatchInlineSnapshot(`
      "opened by the parent:
         0  slot 16 = mount
         1  slot 17 = mount
         2  slot 0 = socket
         3  slot 3 = open "/proc"
         4  slot 18 = pidfd
      parent:
         0  clone init []
         1  await ready
         2  answer ready
      init:
         0  prctl PR_SET_DUMPABLE 0
         1  prctl PR_SET_PDEATHSIG 9
         2  umask 00
         3  setns slot 18 [mount]
         4  close slot 18
         5  open "/" => slot 1
         6  umount slot 16 tolerate EINVAL
         7  close slot 16
         8  umount slot 17 tolerate EINVAL
         9  close slot 17
        10  sync ready and wait
      "
    `)
  })

  test.each<[string, () => Plan, string]>([
    ['the root', () => planAdd(input(), [{ destination: '/x/..', type: 'tmpfs' }], 'l'), '/0/destination: the root'],
    ['a procfs', () => planAdd(input(), [{ destination: '/p', type: 'proc' }], 'l'), '/0/type: a procfs shows'],
    [
      'a remount',
      () => planAdd(input(), [{ destination: '/p', options: ['remount', 'ro'] }], 'l'),
      '/0/options: a mount cannot be',
    ],
    [
      'cgroups of the host',
      () => planAdd(input(), [{ destination: '/c', type: 'cgroup2' }], 'l'),
      '/0/type: the container has no cgroup namespace',
    ],
    [
      'what create refuses',
      () => planAdd(input(), [{ destination: '/c', source: '/', options: ['bind', 'x=y'] }], 'l'),
      'unsupported l: /0/options: bind mounts',
    ],
    [
      'no root',
      () => planRemove(input(), [{ destination: '.' }], 'l'),
      '/0/destination: the root of a container cannot be removed',
    ],
    [
      'a place twice',
      () => planRemove(input(), [{ destination: '/a' }, { destination: '/a/' }], 'l'),
      '/1/destination: "/a" is in the list already',
    ],
  ])('refuses %s', (_, plan, words) => {
    expect(plan).toThrow(words)
  })
})

describe('a visitor', () => {
  const plan = planAdd(input(), ALL, 'list')
  const broken =
    (init: Plan['init'], parent = plan.parent) =>
    () =>
      checkVisit({ ...plan, init, parent })

  test('runs nothing', () => {
    expect(broken([...plan.init, { kind: 'exec', args: ['sh'], env: [], keepFds: 0 }])).toThrow('does not exec')
    expect(broken([...plan.init, { kind: 'findExecutable', name: 'sh', candidates: [] }])).toThrow('does not find')
  })

  test('is hidden before it enters', () => {
    const hide = plan.init.findIndex(({ kind }) => kind === 'prctl')
    expect(broken(plan.init.filter((_, i) => i !== hide))).toThrow('can be traced')
    expect(broken([...plan.init.slice(hide + 1), plan.init[hide] as never])).toThrow('can be traced')
  })

  test('tells of each mount, and the parent listens to each', () => {
    const tell = plan.init.findIndex(({ kind }) => kind === 'sendFd')
    expect(broken(plan.init.filter((_, i) => i !== tell))).toThrow('child syncs')
    expect(
      broken(
        plan.init,
        plan.parent.filter(({ kind }) => kind !== 'keepMount'),
      ),
    ).toThrow('child syncs')
  })
})
