/** Hostile images: links where a runtime makes, mounts, masks or writes something. The host stays as it is. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Bundle, Config } from '../bundle.ts'
import { type Case, expect, expectSame } from '../suite.ts'
import { runOrRefuse, Victim, without } from '../victim.ts'
import { PROCFS } from './security_procfs.ts'
import { RACES } from './security_races.ts'

const CLAUSE = 'published flaw'

const both = [false, true] as const

/** A case that tries both kinds of link, each with a container of its own. */
function hostile(
  [id, flaws, asks]: readonly [string, string, string],
  {
    script = 'true',
    change,
    prepare,
    check,
  }: {
    readonly script?: string
    readonly change?: (config: Config, victim: string) => void
    readonly prepare: (bundle: Bundle, victim: Victim, climbing: boolean) => void
    /** Where the container ran. */
    readonly check?: (bundle: Bundle) => void
  },
  more: Pick<Case, 'deviations' | 'covers'> = {},
): Case {
  return {
    ...more,
    id: `security-${id}`,
    clause: `${CLAUSE}: ${flaws}`,
    asks,
    test(subject) {
      for (const climbing of both) {
        const bundle = subject.bundle(script)
        const victim = new Victim(bundle)
        prepare(bundle, victim, climbing)
        bundle.configure((config) => change?.(config, victim.path))
        if (runOrRefuse(subject, bundle)) {
          subject.await(bundle.id, 'stopped')
          check?.(bundle)
          subject.must('delete', bundle.id)
        }
        victim.expectUntouched()
      }
    },
  }
}

const kernelDirectory = (path: '/proc' | '/sys', flaws: string): Case =>
  hostile(
    [`${path.slice(1)}-link`, flaws, `${path} of the image is a link: refused, or ${path} is the kernel’s and no link`],
    {
      script: `[ -L ${path} ] && echo link >/tmp/seen; true`,
      prepare: (bundle, victim, climbing) => victim.link(bundle, path, victim.path, climbing),
      change: (config) => {
        if (path === '/sys') config.mounts.push({ destination: '/sys', type: 'sysfs', source: 'sysfs' })
      },
      check: (bundle) => expectSame(bundle.read('tmp/seen'), '', 'what the program says of it'),
    },
  )

const LINKS: readonly Case[] = [
  kernelDirectory('/proc', 'CVE-2019-19921, CVE-2023-27561, CVE-2023-28642, CVE-2025-54867'),
  kernelDirectory('/sys', 'CVE-2019-19921, CVE-2025-54867'),
  hostile(
    [
      'dev-link',
      'CVE-2026-41579, CVE-2026-47766',
      '/dev of the image leads out, nothing is mounted on it: no device, link or removal there',
    ],
    {
      prepare: (bundle, victim, climbing) => victim.link(bundle, '/dev', victim.path, climbing),
      change: (config) => without(config, '/dev'),
    },
    {
      deviations: {
        runc: { versions: '<1.3.6', why: 'has the flaw CVE-2026-41579' },
        crun: { versions: '<1.28', why: 'has the flaw CVE-2026-47766' },
      },
    },
  ),
  hostile(
    [
      'dev-null-link',
      'CVE-2025-31133, CVE-2025-62161',
      '/dev/null of the image is a link: a masked file is the null device, or all is refused',
    ],
    {
      script: 'stat -c "%F %t:%T" /secret >/tmp/seen',
      prepare: (bundle, victim, climbing) => {
        writeFileSync(join(bundle.rootfs, 'secret'), 'secret\n')
        victim.link(bundle, '/dev/null', join(victim.path, 'null'), climbing)
      },
      change: (config) => {
        without(config, '/dev')
        Object.assign(config.linux, { maskedPaths: ['/secret'] })
      },
      check: (bundle) => expectSame(bundle.read('tmp/seen'), 'character special file 1:3\n', 'the masked file'),
    },
  ),
  hostile(
    [
      'mount-target-link',
      'CVE-2019-18837, CVE-2021-30465',
      'targets of mounts that lead out: nothing is made or mounted there',
    ],
    {
      script: 'grep -c mounted- /proc/self/mountinfo >/tmp/seen',
      prepare: (bundle, victim, climbing) => {
        writeFileSync(join(bundle.path, 'mounted-file'), 'bound\n')
        victim.link(bundle, '/data', victim.path, climbing)
        victim.link(bundle, '/file', join(victim.path, 'precious'), climbing)
      },
      change: (config, victim) => {
        const source = join(dirname(victim), 'mounted-file')
        // The file before the folder, which covers it where both are outside.
        config.mounts.push({ destination: '/file', type: 'bind', source, options: ['bind'] })
        config.mounts.push({ destination: '/data', type: 'tmpfs', source: 'mounted-data' })
      },
      // What was mounted outside is there, but not to be seen from inside: of the two one would be missing.
      check: (bundle) => expectSame(bundle.read('tmp/seen'), '2\n', 'how many of the two mounts the container has'),
    },
  ),
  hostile(
    [
      'mount-target-missing',
      'CVE-2024-45310',
      'targets of mounts that are to be made behind a link that leads out: nothing is made there',
    ],
    {
      prepare: (bundle, victim, climbing) => victim.link(bundle, '/data', victim.path, climbing),
      change: (config) => {
        config.mounts.push({ destination: '/data/new/folder', type: 'tmpfs', source: 'tmpfs' })
        config.mounts.push({ destination: '/data/new-file', type: 'bind', source: '/etc/hostname', options: ['bind'] })
      },
    },
  ),
  hostile(['device-target-link', 'CVE-2026-41579', 'the path of a device leads out: none is made there'], {
    prepare: (bundle, victim, climbing) => victim.link(bundle, '/devices', victim.path, climbing),
    change: (config) => {
      Object.assign(config.linux, {
        devices: [
          // Before the other: what is no device where one is to be keeps a runtime from going on.
          { path: '/devices/new', type: 'c', major: 1, minor: 3 },
          { path: '/devices/null', type: 'c', major: 1, minor: 3 },
        ],
      })
    },
  }),
  hostile(
    [
      'masked-link',
      'CVE-2025-31133',
      'masked and read-only paths of the image lead out: nothing there is changed, and what they mean inside is masked',
    ],
    {
      script: 'cat /masked/precious >/tmp/seen',
      prepare: (bundle, victim, climbing) => {
        victim.link(bundle, '/masked', victim.path, climbing)
        victim.link(bundle, '/fixed', victim.path, climbing)
        mkdirSync(join(bundle.rootfs, victim.path), { recursive: true })
        writeFileSync(join(bundle.rootfs, victim.path, 'precious'), 'inside\n')
      },
      change: (config) => {
        Object.assign(config.linux, { maskedPaths: ['/masked/precious', '/masked'], readonlyPaths: ['/fixed'] })
      },
      check: (bundle) => expectSame(bundle.read('tmp/seen'), '', 'what the program reads of the masked path'),
    },
  ),
  hostile(['etc-link', 'CVE-2025-24965', '/etc of the image leads out: a runtime writes nothing there'], {
    prepare: (bundle, victim, climbing) => victim.link(bundle, '/etc', victim.path, climbing),
  }),
  hostile(['cwd-link', 'CVE-2024-21626', 'cwd of the image leads out: it is inside of the root, or all is refused'], {
    script: 'pwd >/tmp/seen; ls >>/tmp/seen',
    prepare: (bundle, victim, climbing) => victim.link(bundle, '/work', victim.path, climbing),
    change: (config) => Object.assign(config.process ?? {}, { cwd: '/work' }),
    check: (bundle) => expect(!bundle.read('tmp/seen').includes('precious'), 'the program sees what is outside'),
  }),
]

export const SECURITY_ROOTFS: readonly Case[] = [...LINKS, ...PROCFS, ...RACES]
