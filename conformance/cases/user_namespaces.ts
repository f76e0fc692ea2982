/** config-linux.md#user-namespace-mappings */
import { lstatSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { refuses, sees } from '../declare.ts'
import { ofProcess, pidOf } from '../look.ts'
import { type Case, expect, expectSame } from '../suite.ts'

const USER = 'config-linux.md#user-namespace-mappings'

const maps = (size = 65_536, hostID = 100_000) => ({
  uidMappings: [{ containerID: 0, hostID, size }],
  gidMappings: [{ containerID: 0, hostID, size }],
})

export const USERS: readonly Case[] = [
  sees(
    ['user-namespace-mappings', USER, 'several mappings are made as configured'],
    {
      linux: {
        namespaces: [{ type: 'user' }],
        uidMappings: [
          { containerID: 0, hostID: 100_000, size: 1000 },
          { containerID: 1000, hostID: 0, size: 1 },
          { containerID: 2000, hostID: 300_000, size: 5 },
        ],
        gidMappings: [
          { containerID: 0, hostID: 200_000, size: 10 },
          { containerID: 10, hostID: 400_000, size: 7 },
        ],
      },
    },
    'cat /proc/self/uid_map; echo; cat /proc/self/gid_map',
    /^ *0 +100000 +1000\n *1000 +0 +1\n *2000 +300000 +5\n\n *0 +200000 +10\n *10 +400000 +7\n$/,
  ),
  {
    id: 'user-namespace-owner',
    clause: USER,
    asks: 'the process is, outside, the user that its own is mapped to',
    test(subject) {
      const bundle = subject.bundle('exec sleep 100', (config) => {
        Object.assign(config.linux, maps(), { namespaces: [...config.linux.namespaces, { type: 'user' }] })
        Object.assign(config.process?.user ?? {}, { uid: 12, gid: 34 })
      })
      subject.run(bundle)
      const status = ofProcess(pidOf(subject, bundle.id), 'status')
      expect(/^Uid:(\t100012){4}$/m.test(status), `${/^Uid.*$/m.exec(status)}`)
      expect(/^Gid:(\t100034){4}$/m.test(status), `${/^Gid.*$/m.exec(status)}`)
    },
  },
  {
    id: 'user-namespace-rootfs-owner',
    clause: USER,
    asks: 'the runtime SHOULD NOT modify the ownership of referenced filesystems to realize the mapping',
    covers: ['linux-userns-04'],
    test(subject) {
      const bundle = subject.bundle('sleep 100', (config) => {
        Object.assign(config.linux, maps(), { namespaces: [...config.linux.namespaces, { type: 'user' }] })
      })
      writeFileSync(join(bundle.rootfs, 'file'), 'x')
      const owners = () =>
        ['', 'bin', 'bin/busybox', 'file', 'tmp'].map((name) => {
          const { uid, gid } = lstatSync(join(bundle.rootfs, name))
          return [name, uid, gid]
        })
      const before = owners()
      subject.run(bundle)
      pidOf(subject, bundle.id)
      expectSame(owners(), before, 'owners in the rootfs')
    },
  },
  {
    id: 'user-namespace-devices',
    clause: 'config-linux.md#default-devices',
    asks: 'the default devices are there in a user namespace, too',
    covers: ['linux-default-devices-01'],
    test(subject) {
      const bundle = subject.bundle(
        'for d in null zero full random urandom tty; do [ -c /dev/$d ] && echo $d; done >/dev/shm/out; echo >/dev/null && sleep 100',
        (config) => {
          Object.assign(config.linux, maps(), { namespaces: [...config.linux.namespaces, { type: 'user' }] })
          config.mounts.push({ destination: '/dev/shm', type: 'tmpfs', source: 'shm' })
        },
      )
      subject.run(bundle)
      const pid = pidOf(subject, bundle.id)
      for (const [name, number] of [
        ['null', 0x103],
        ['zero', 0x105],
        ['full', 0x107],
        ['random', 0x108],
        ['urandom', 0x109],
      ] as const)
        expectSame(statSync(`/proc/${pid}/root/dev/${name}`).rdev, number, `numbers of /dev/${name}`)
    },
  },
  refuses(['user-namespace-overlap', USER, 'mappings that the kernel refuses are an error'], {
    linux: {
      namespaces: [{ type: 'user' }],
      uidMappings: [
        { containerID: 0, hostID: 100_000, size: 10 },
        { containerID: 5, hostID: 200_000, size: 10 },
      ],
      gidMappings: [{ containerID: 0, hostID: 100_000, size: 10 }],
    },
  }),
]
