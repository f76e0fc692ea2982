/** features.md and features-linux.md: mount options, flags, and what features says wherever it is asked. */
import { chownSync, lstatSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../bundle.ts'
import { merge, type Patch } from '../declare.ts'
import { tells } from '../features.ts'
import type { Subject } from '../subject.ts'
import { type Case, expect, expectSame, HostCannot } from '../suite.ts'

/** Whether a container with this in its configuration can be created, and what is said otherwise. */
function refusal(subject: Subject, patch: Patch, folders: readonly string[] = []): string | undefined {
  const change = (config: Config) => merge(config as unknown as Record<string, unknown>, patch)
  const bundle = subject.bundle('sleep 100', change)
  for (const folder of folders) mkdirSync(join(bundle.rootfs, folder))
  const { ok, stderr } = subject.call('create', '--bundle', bundle.path, bundle.id)
  subject.call('delete', '--force', bundle.id)
  return ok ? undefined : stderr.trim()
}

const MAPS = { uidMappings: [{ containerID: 0, hostID: 0, size: 65_536 }] }
const BINDING = /^r?(bind|idmap|private|shared|slave|unbindable)$|^r(?!o$|w$|elatime$|emount$)|nofollow$|^copy-symlink$/

type Mount = Config['mounts'][number]

/** Mounts that have the option where it belongs: some are for bind mounts, one for what is mounted already. */
function mountsWith(option: string, source: string, destination = '/mnt'): Mount[] {
  const tmpfs = { destination, type: 'tmpfs', source: 'tmpfs' }
  if (option === 'remount') return [tmpfs, { ...tmpfs, options: [option] }]
  if (!BINDING.test(option)) return [{ ...tmpfs, options: [option] }]
  const maps = /idmap/.test(option) ? { ...MAPS, gidMappings: MAPS.uidMappings } : {}
  return [{ destination, type: 'bind', source, options: ['rbind', option], ...maps } as Mount]
}

/** Options that are refused; each by itself only if there are any, as that takes a container for each. */
function refusedOf(subject: Subject, options: readonly string[], source: string): string[] {
  const all = options.flatMap((option) => mountsWith(option, source, `/tmp/${option}`))
  const folders = options.map((option) => `tmp/${option}`)
  if (refusal(subject, { mounts: all }, folders) === undefined) return []
  return options.flatMap((option) => {
    const why = refusal(subject, { mounts: mountsWith(option, source) })
    return why === undefined ? [] : [`${option}: ${why}`]
  })
}

const PARTS: readonly Case[] = [
  tells(
    ['mount-options', 'features.md#mount-options', 'every listed option MUST be recognized', 'features-mounts-01'],
    ({ mountOptions }, subject) => {
      const refused = refusedOf(subject, mountOptions ?? [], subject.shared())
      expectSame(refused, [], 'options that are listed and refused')
    },
    {
      runc: {
        seen: '1.1.5',
        why: 'lists defaults, which it hands to the filesystem, and some for access times that fail',
      },
      crun: { seen: '1.21', why: 'lists recursive ones that the kernel has no attribute for, like rmand' },
    },
  ),
  tells(
    [
      'seccomp-flags',
      'features-linux.md#seccomp',
      'every known flag MUST be recognized, every supported one MUST work; what is supported is known',
      'features-linux-seccomp-04',
      'features-linux-seccomp-05',
    ],
    ({ linux }, subject) => {
      const { knownFlags, supportedFlags } = linux?.seccomp ?? {}
      for (const flag of supportedFlags ?? []) {
        const seccomp = {
          defaultAction: 'SCMP_ACT_ALLOW',
          flags: [flag],
          syscalls: [{ names: ['acct'], action: 'SCMP_ACT_ERRNO' }],
        }
        expectSame(refusal(subject, { linux: { seccomp } }), undefined, `a filter with ${flag}`)
      }
      const unknown = (supportedFlags ?? []).filter((flag) => !(knownFlags ?? []).includes(flag))
      expectSame(unknown, [], 'supported flags that are not known')
    },
  ),
  tells(
    [
      'memory-policy',
      'features-linux.md#memorypolicy',
      'every listed mode and flag MUST be recognized',
      'features-linux-memory-policy-01',
      'features-linux-memory-policy-02',
    ],
    ({ linux }, subject) => {
      const { modes, flags } = linux?.memoryPolicy ?? {}
      const policies = [
        ...(modes ?? []).map((mode) => ({ mode, ...(/DEFAULT|LOCAL/.test(mode) ? {} : { nodes: '0' }) })),
        ...(flags ?? []).map((flag) => ({ mode: 'MPOL_BIND', nodes: '0', flags: [flag] })),
      ]
      for (const memoryPolicy of policies) {
        const why = refusal(subject, { ociVersion: '1.3.0', linux: { memoryPolicy } })
        expectSame(why, undefined, JSON.stringify(memoryPolicy))
      }
    },
  ),
  tells(
    [
      'idmap',
      'features-linux.md#mountextensions',
      'idmap.enabled MUST be true where mappings of mounts are recognized',
      'features-linux-idmap-01',
    ],
    ({ linux }, subject) => {
      const source = subject.shared()
      writeFileSync(join(source, 'file'), '')
      chownSync(join(source, 'file'), 1000, 1000)
      const range = [{ containerID: 1000, hostID: 7, size: 1 }]
      const bundle = subject.bundle('sleep 100', (config) => {
        const options = ['bind', 'idmap']
        const maps = { uidMappings: range, gidMappings: range }
        config.mounts.push({ destination: '/mnt', type: 'bind', source, options, ...maps } as Config['mounts'][number])
      })
      const { ok } = subject.call('create', '--bundle', bundle.path, bundle.id)
      // As the mount says from the container's side, whoever asks.
      const recognized = ok && lstatSync(`/proc/${subject.state(bundle.id).pid}/root/mnt/file`).uid === 7
      const enabled = linux?.mountExtensions?.idmap?.enabled === true
      expect(!recognized || enabled, 'the mappings of a mount have their effect, and idmap.enabled is not true')
      expect(recognized || !enabled, 'idmap.enabled is true, and the mappings of a mount have no effect')
    },
  ),
]

const STATIC: readonly Case[] = [
  {
    id: 'features-static',
    clause: 'features.md#features-structure',
    asks: 'what features says SHOULD NOT depend on the host: it says the same where nothing of /sys is to be seen',
    covers: ['features-static-01'],
    deviations: { crun: { versions: '<1.8.6', why: 'has no features, which a runtime may do without' } },
    test(subject) {
      const { stdout } = subject.must('features')
      const hide = 'mount -t tmpfs none /sys && exec "$@"'
      const through = subject.through('unshare', '--mount', ...subject.through('sh', '-c', hide, 'sh'))
      const hidden = subject.callAs({ through, cwd: '/', env: { LANG: 'C' } }, 'features')
      if (!hidden.ok && /unshare|mount/.test(hidden.stderr)) throw new HostCannot(hidden.stderr.trim())
      expect(hidden.ok, `features failed: ${hidden.stderr}`)
      expectSame(JSON.parse(hidden.stdout), JSON.parse(stdout), 'features without /sys')
    },
  },
]

export const FEATURES_MORE: readonly Case[] = [...PARTS, ...STATIC]
