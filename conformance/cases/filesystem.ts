/** config-linux.md: default filesystems, and devices where something else is already. */
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Case, type Deviation, expect, expectSame } from '../suite.ts'

const DEVICES = 'config-linux.md#devices'
const why = 'takes whatever is at the path for the device'
const TAKEN: Readonly<Record<string, Deviation>> = { runc: { seen: '1.1.5', why }, crun: { seen: '1.8.1', why } }
const FILESYSTEMS = [
  { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['ro'] },
  { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['newinstance', 'ptmxmode=0666'] },
  { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: ['nosuid', 'size=1m'] },
]

const DEFAULTS: readonly Case[] = [
  {
    id: 'filesystems-default',
    clause: 'config-linux.md#default-filesystems',
    asks: '/proc, /sys, /dev/pts and /dev/shm SHOULD be there where they are configured, each of its type',
    covers: ['linux-filesystems-01'],
    test(subject) {
      const bundle = subject.bundle('cat /proc/self/mountinfo >/tmp/seen', (config) => {
        config.mounts.push(...FILESYSTEMS)
      })
      subject.run(bundle)
      subject.await(bundle.id, 'stopped')
      const lines = bundle.read('tmp/seen').trim().split('\n')
      const typeAt = (path: string) =>
        lines
          .find((line) => line.split(' ')[4] === path)
          ?.split(' - ')[1]
          ?.split(' ')[0]
      for (const [path, type] of [['/proc', 'proc'], ...FILESYSTEMS.map((one) => [one.destination, one.type])] as const)
        expectSame(typeAt(path ?? ''), type, path ?? '')
    },
  },
]

/** A device at a path where the image has something; nothing of the image may be lost by it. */
const occupied = (id: string, asks: string, prepare: (path: string) => void, check: (path: string) => void): Case => ({
  id: `devices-${id}`,
  clause: DEVICES,
  asks,
  covers: ['linux-devices-04'],
  deviations: TAKEN,
  test(subject) {
    const bundle = subject.bundle('true', (config) =>
      Object.assign(config.linux, { devices: [{ path: '/mine/device', type: 'c', major: 1, minor: 5 }] }),
    )
    mkdirSync(join(bundle.rootfs, 'mine'))
    const path = join(bundle.rootfs, 'mine/device')
    prepare(path)
    subject.mustFail(['create', '--bundle', bundle.path, bundle.id], asks)
    expect(!subject.exists(bundle.id), 'the container exists')
    check(path)
  },
})

const OCCUPIED: readonly Case[] = [
  occupied(
    'file-there',
    'a file that does not match the requested device is an error: one with contents',
    (path) => writeFileSync(path, 'precious'),
    (path) => expectSame(readFileSync(path, 'utf8'), 'precious', 'the file'),
  ),
  occupied(
    'folder-there',
    'a file that does not match the requested device is an error: a folder',
    (path) => mkdirSync(path),
    () => {},
  ),
]

const OTHER: readonly Case[] = [
  {
    id: 'devices-other-there',
    clause: DEVICES,
    asks: 'a device of other numbers is an error: neither used nor replaced in silence',
    covers: ['linux-devices-04'],
    deviations: TAKEN,
    test(subject) {
      const bundle = subject.bundle('true', (config) =>
        Object.assign(config.linux, { devices: [{ path: '/mine/device', type: 'c', major: 1, minor: 5 }] }),
      )
      mkdirSync(join(bundle.rootfs, 'mine'))
      const path = join(bundle.rootfs, 'mine/device')
      subject.applet('mknod', path, 'c', '1', '3')
      subject.mustFail(['create', '--bundle', bundle.path, bundle.id], 'another device is there')
      expectSame(statSync(path).rdev, 0x103, 'numbers of the device of the image')
    },
  },
]

const AGAIN: readonly Case[] = [
  {
    id: 'devices-there',
    clause: DEVICES,
    asks: 'a device that is there already, as it is requested, is no error',
    test(subject) {
      const bundle = subject.bundle('stat -c "%F %t %T" /mine/device >/tmp/seen', (config) =>
        Object.assign(config.linux, { devices: [{ path: '/mine/device', type: 'c', major: 1, minor: 5 }] }),
      )
      mkdirSync(join(bundle.rootfs, 'mine'))
      subject.applet('mknod', join(bundle.rootfs, 'mine/device'), 'c', '1', '5')
      subject.run(bundle)
      subject.await(bundle.id, 'stopped')
      expectSame(bundle.read('tmp/seen'), 'character special file 1 5\n', 'the device')
    },
  },
]

export const FILESYSTEM: readonly Case[] = [...DEFAULTS, ...OCCUPIED, ...OTHER, ...AGAIN]
