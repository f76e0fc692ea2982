/** features.md and features-linux.md: what `features` lists is what the runtime takes. */
import { readFileSync } from 'node:fs'
import type { Patch } from '../declare.ts'
import { isBelow, takes, tells } from '../features.ts'
import { type Case, expect, expectSame } from '../suite.ts'

const KNOWN = 'ociVersionMin ociVersionMax hooks mountOptions linux annotations potentiallyUnsafeConfigAnnotations'
// Options that a filesystem is given as text; tmpfs and overlay have most of those in use.
const DATA = 'size mode uid gid nr_inodes nr_blocks mpol huge lowerdir upperdir workdir'.split(' ')

/** How many capabilities the bounding set of a process has. */
function bounding(pid: number | 'self'): number {
  const set = /^CapBnd:\t(\w+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0'
  return BigInt(`0x${set}`).toString(2).replaceAll('0', '').length
}

// libseccomp takes no architecture of the other byte order than the machine's (EDOM).
const BIG = /_(MIPS(64(N32)?)?|PPC(64)?|S390X?|PARISC(64)?|M68K|SHEB)$/

const seccomp = (rest: Patch): Patch => ({ linux: { seccomp: { defaultAction: 'SCMP_ACT_ALLOW', ...rest } } })

export const FEATURES: readonly Case[] = [
  tells(
    [
      'versions',
      'features.md#specification-version',
      'ociVersionMin and ociVersionMax MUST be there and in order',
      ...['features-version-01', 'features-version-03', 'features-version-05'],
    ],
    ({ ociVersionMin = '', ociVersionMax = '' }) => {
      for (const version of [ociVersionMin, ociVersionMax])
        expect(/^\d+\.\d+\.\d+/.test(version), `${JSON.stringify(version)} is no version`)
      expect(!isBelow(ociVersionMax, ociVersionMin), `${ociVersionMax} is below ${ociVersionMin}`)
    },
  ),
  tells(
    [
      'versions-accepted',
      'features.md#specification-version',
      'configurations of both versions MUST be accepted',
      ...['features-version-02', 'features-version-04'],
    ],
    ({ ociVersionMin, ociVersionMax }, subject) => {
      for (const ociVersion of [ociVersionMin, ociVersionMax]) takes(subject, { ociVersion })
    },
  ),
  tells(
    [
      'properties',
      'features.md#specification-version',
      'there MUST NOT be properties that are not defined',
      'features-version-06',
    ],
    (features) => {
      const unknown = Object.keys(features).filter((name) => !KNOWN.split(' ').includes(name))
      expectSame(unknown, [], 'properties that are not defined')
    },
  ),
  tells(
    ['hooks', 'features.md#hooks', 'every kind of hook that is listed MUST be supported', 'features-hooks-01'],
    ({ hooks }, subject) => {
      const bundle = subject.bundle('sleep 100')
      const file = (kind: string) => `${kind === 'startContainer' ? '' : bundle.rootfs}/hook-${kind}`
      bundle.configure((config) => {
        config.hooks = Object.fromEntries(
          (hooks ?? []).map((kind) => [
            kind,
            [{ path: '/bin/sh', args: ['sh', '-c', `cat >/dev/null; echo ran >${file(kind)}`] }],
          ]),
        )
      })
      subject.run(bundle)
      subject.await(bundle.id, 'running')
      subject.must('delete', '--force', bundle.id)
      for (const kind of hooks ?? []) expectSame(bundle.read(`hook-${kind}`), 'ran\n', `the ${kind} hook`)
    },
  ),
  tells(
    [
      'mount-data',
      'features.md#mount-options',
      'options that are handed to a filesystem SHOULD NOT be listed',
      'features-mounts-02',
    ],
    ({ mountOptions }) => {
      const data = (mountOptions ?? []).filter((name) => DATA.includes(name))
      expectSame(data, [], 'options of filesystems that are listed')
    },
  ),
  tells(
    [
      'annotations',
      'features.md#annotations',
      'annotations MUST be a map of texts by keys that are not empty',
      'features-annotations-01',
    ],
    ({ annotations }) => {
      for (const [key, value] of Object.entries(annotations ?? {}))
        expect(key !== '' && typeof value === 'string', `annotation ${JSON.stringify(key)}`)
    },
  ),
  tells(
    [
      'namespaces',
      'features-linux.md#namespaces',
      'every type of namespace that is listed MUST be recognized',
      'features-linux-namespaces-01',
    ],
    ({ linux }, subject) => {
      const maps = [{ containerID: 0, hostID: 0, size: 65_536 }]
      for (const type of linux?.namespaces ?? []) {
        const mappings = type === 'user' ? { uidMappings: maps, gidMappings: maps } : {}
        const fresh = !['pid', 'mount', 'ipc', 'uts', 'network'].includes(type)
        takes(subject, { linux: { ...mappings, ...(fresh ? { namespaces: [{ type }] } : {}) } })
      }
    },
  ),
  tells(
    [
      'capabilities',
      'features-linux.md#capabilities',
      'every capability that is listed MUST be recognized',
      'features-linux-capabilities-01',
    ],
    ({ linux }, subject) => {
      const names = linux?.capabilities ?? []
      const bundle = subject.bundle('sleep 100', (config) =>
        Object.assign(config.process ?? {}, { capabilities: { bounding: names } }),
      )
      subject.run(bundle)
      const { pid } = subject.await(bundle.id, 'running')
      // What this machine withholds, even from us, nobody can be given.
      const withheld = Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8')) + 1 - bounding('self')
      subject.kernel(`/proc/${pid}/status`)
      const got = bounding(pid ?? 'self')
      expect(got >= names.length - withheld, `${got} capabilities of ${names.length}; the host withholds ${withheld}`)
    },
  ),
  tells(
    [
      'seccomp',
      'features-linux.md#seccomp',
      'actions, operators and architectures that are listed MUST be recognized',
      ...['features-linux-seccomp-01', 'features-linux-seccomp-02', 'features-linux-seccomp-03'],
    ],
    ({ linux }, subject) => {
      const { actions, operators, archs } = linux?.seccomp ?? {}
      // Notifications need somebody who listens.
      const usable = (actions ?? []).filter((action) => action !== 'SCMP_ACT_NOTIFY')
      const names = ['acct']
      for (const action of usable) takes(subject, seccomp({ syscalls: [{ names, action }] }))
      const args = (op: string) => [{ index: 0, value: 1, valueTwo: 1, op }]
      const action = 'SCMP_ACT_ERRNO'
      for (const op of operators ?? []) takes(subject, seccomp({ syscalls: [{ names, action, args: args(op) }] }))
      takes(
        subject,
        seccomp({ architectures: (archs ?? []).filter((name) => !BIG.test(name)), syscalls: [{ names, action }] }),
      )
    },
  ),
]
