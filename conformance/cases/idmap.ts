/** config.md#mounts: mounts whose ids are mapped, with a mapping of their own or that of the user namespace. */
import { chownSync, lstatSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bundle, Config } from '../bundle.ts'
import { refuses } from '../declare.ts'
import { needMapping } from '../idmapped.ts'
import type { Subject } from '../subject.ts'
import { type Case, type Deviation, expect, expectSame } from '../suite.ts'
import { withTree } from '../tree.ts'

const OPTIONS = 'config.md#linux-mount-options'
const MAPS = 'config.md#posix-platform-mounts'
const OLD: Readonly<Record<string, Deviation>> = {
  runc: { versions: '<1.2', why: 'does not know mappings of mounts' },
}
const FLAT: typeof OLD = {
  ...OLD,
  crun: { seen: '1.8.1', unseen: '1.21', why: 'binds one mount, whose ids it maps, and none below' },
}
const RIDMAP: typeof OLD = {
  ...OLD,
  crun: {
    versions: '<1.9',
    why: 'does not know ridmap, and hands it to a bind mount as data, which the kernel ignores',
  },
}

const maps = (containerID: number, hostID: number, size: number) => ({
  uidMappings: [{ containerID, hostID, size }],
  gidMappings: [{ containerID, hostID, size }],
})
/** Gives the container a user namespace, in which its 0 is the host's 100000. */
const inNamespace = (config: Config) => {
  config.linux.namespaces.push({ type: 'user' })
  Object.assign(config.linux, maps(0, 100_000, 65_536))
}

/** A folder that anybody may look into, with a file of each of these users. */
function fill(path: string, ...ids: number[]): void {
  mkdirSync(path, { recursive: true })
  for (const id of ids) {
    writeFileSync(join(path, `of-${id}`), '')
    chownSync(join(path, `of-${id}`), id, id)
  }
}

/** Runs a container with a folder mounted on /mnt; what its program wrote. */
function look(subject: Subject, source: string, mount: object, script: string, change?: (config: Config) => void) {
  const bundle: Bundle = subject.bundle(`{ ${script}; } >/look/seen 2>&1`, (config) => {
    config.mounts.push({ destination: '/look', type: 'bind', source: subject.shared(), options: ['bind'] })
    config.mounts.push({ destination: '/mnt', type: 'bind', source, ...mount } as Config['mounts'][number])
    change?.(config)
  })
  subject.run(bundle)
  subject.await(bundle.id, 'stopped')
  return subject.seen()
}

const owner = (name: string) => `stat -c %u:%g /mnt/${name}`
const source = (subject: Subject) => join(subject.shared(), 'source')

const MAPPED: readonly Case[] = [
  {
    id: 'mount-idmap',
    clause: OPTIONS,
    asks: 'idmap: the ids of the mount are mapped as its uidMappings and gidMappings say, without a user namespace',
    covers: ['config-mount-option-idmap', 'config-mount-idmap-01', 'config-mount-idmap-03'],
    deviations: OLD,
    test(subject) {
      const path = source(subject)
      fill(path, 1000, 2000)
      needMapping(subject, path)
      const mount = { options: ['bind', 'idmap'], ...maps(1000, 0, 1) }
      const seen = look(subject, path, mount, `${owner('of-1000')}; ${owner('of-2000')}`)
      expectSame(seen, '0:0\n65534:65534\n', 'owners that the container sees')
    },
  },
  {
    id: 'mount-idmap-written',
    clause: OPTIONS,
    asks: 'idmap: what is made through the mount belongs, below it, to the user that the mapping names',
    covers: ['config-mount-option-idmap', 'config-mount-idmap-01'],
    deviations: OLD,
    test(subject) {
      const path = source(subject)
      fill(path)
      needMapping(subject, path)
      chownSync(path, 1000, 1000)
      const mount = { options: ['bind', 'idmap'], ...maps(1000, 0, 1) }
      look(subject, path, mount, 'touch /mnt/new')
      const { uid, gid } = lstatSync(join(path, 'new'))
      expectSame([uid, gid], [1000, 1000], 'owner of the new file on the host')
    },
  },
  {
    id: 'mount-idmap-user-namespace',
    clause: OPTIONS,
    asks: 'idmap: the mapping of the mount is used in a user namespace as well, and not that of the namespace',
    covers: ['config-mount-idmap-03'],
    deviations: OLD,
    test(subject) {
      const path = source(subject)
      fill(path, 0, 5)
      needMapping(subject, path)
      const mount = { options: ['bind', 'idmap'], ...maps(0, 100_000, 3) }
      const seen = look(subject, path, mount, `${owner('of-0')}; ${owner('of-5')}`, inNamespace)
      expectSame(seen, '0:0\n65534:65534\n', 'owners that the container sees')
    },
  },
  {
    id: 'mount-idmap-unmapped',
    clause: OPTIONS,
    asks: 'without a mapping the ids are the host’s, which nobody in the user namespace has',
    test(subject) {
      const path = source(subject)
      fill(path, 0)
      expectSame(look(subject, path, { options: ['bind'] }, owner('of-0'), inNamespace), '65534:65534\n', 'owner')
    },
  },
  ...(['idmap', 'ridmap'] as const).map(
    (option): Case => ({
      id: `mount-${option}-below`,
      clause: OPTIONS,
      asks:
        option === 'ridmap'
          ? 'ridmap: the ids of the mounts below are mapped, too'
          : 'idmap: the ids of the mounts below are not mapped',
      covers:
        option === 'ridmap'
          ? ['config-mount-option-ridmap', 'config-mount-ridmap-01', 'config-mount-ridmap-03']
          : ['config-mount-idmap-01'],
      deviations: FLAT,
      test(subject) {
        withTree(subject, 'rw', (path) => {
          fill(path, 1000)
          fill(join(path, 'sub'), 1000)
          needMapping(subject, path)
          const mount = { options: ['rbind', option], ...maps(1000, 7, 1) }
          const seen = look(subject, path, mount, `${owner('of-1000')}; ${owner('sub/of-1000')}`)
          expectSame(seen, option === 'ridmap' ? '7:7\n7:7\n' : '7:7\n1000:1000\n', 'owners, and those below')
        })
      },
    }),
  ),
]

const DEFAULTS: readonly Case[] = (['idmap', 'ridmap'] as const).flatMap((option): Case[] => [
  {
    id: `mount-${option}-of-namespace`,
    clause: OPTIONS,
    asks: `${option} without mappings: those of the user namespace, or else an error`,
    covers: [`config-mount-${option}-04`],
    deviations: option === 'ridmap' ? RIDMAP : OLD,
    test(subject) {
      const path = source(subject)
      fill(path, 0)
      const bundle = subject.bundle(`${owner('of-0')} >/dev/shm/seen; sleep 100`, (config) => {
        inNamespace(config)
        config.mounts.push({ destination: '/dev/shm', type: 'bind', source: subject.shared(), options: ['bind'] })
        config.mounts.push({ destination: '/mnt', type: 'bind', source: path, options: ['rbind', option] })
      })
      const { ok } = subject.call('create', '--bundle', bundle.path, bundle.id)
      if (!ok) {
        expect(!subject.exists(bundle.id), 'the refused container exists')
        return
      }
      const { pid } = subject.state(bundle.id)
      const { uid } = lstatSync(`/proc/${pid}/root/mnt/of-0`)
      expectSame(uid, 100_000, 'owner of a file of root, in the mount: the host’s name for root of the container')
    },
  },
  refuses(
    [
      `mount-${option}-nothing`,
      OPTIONS,
      `${option} without mappings and without a user namespace MUST be an error`,
      `config-mount-${option}-05`,
    ],
    { mounts: [{ destination: '/mnt', type: 'bind', source: '/proc', options: ['rbind', option] }] },
    { deviations: option === 'ridmap' ? RIDMAP : OLD },
  ),
])

const HALVES: readonly Case[] = (['uidMappings', 'gidMappings'] as const).map((name) =>
  refuses(
    [
      `mount-maps-${name}-alone`,
      MAPS,
      `${name} of a mount without the other MUST be an error`,
      name === 'uidMappings' ? 'config-mount-maps-03' : 'config-mount-maps-06',
    ],
    {
      mounts: [
        {
          destination: '/mnt',
          type: 'bind',
          source: '/tmp',
          options: ['bind', 'idmap'],
          [name]: [{ containerID: 0, hostID: 100_000, size: 10 }],
        },
      ],
    },
    { deviations: OLD },
  ),
)

export const IDMAP: readonly Case[] = [...MAPPED, ...DEFAULTS, ...HALVES]
