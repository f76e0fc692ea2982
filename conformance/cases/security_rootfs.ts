/** Hostile images: links where a runtime makes, mounts, masks or writes something. The host stays as it is. */
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Bundle, Config } from '../bundle.ts'
import { pidOf } from '../look.ts'
import { type Case, expect, expectSame } from '../suite.ts'
import { whileSwapping } from '../system_calls.ts'
import { runOrRefuse, Victim, without } from '../victim.ts'

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
        config.mounts.push({ destination: '/data', type: 'tmpfs', source: 'mounted-data' })
        config.mounts.push({ destination: '/file', type: 'bind', source, options: ['bind'] })
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
          { path: '/devices/null', type: 'c', major: 1, minor: 3 },
          { path: '/devices/new', type: 'c', major: 1, minor: 3 },
        ],
      })
    },
  }),
  hostile(
    [
      'masked-link',
      'CVE-2025-31133',
      'masked and read-only paths of the image lead out: nothing there is covered or changed',
    ],
    {
      prepare: (bundle, victim, climbing) => {
        victim.link(bundle, '/masked', victim.path, climbing)
        victim.link(bundle, '/fixed', victim.path, climbing)
      },
      change: (config) => {
        Object.assign(config.linux, { maskedPaths: ['/masked/precious', '/masked'], readonlyPaths: ['/fixed'] })
      },
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

/** A folder that a configuration mounts over /proc, or below it. */
function fakeProc(bundle: Bundle): string {
  const path = join(bundle.path, 'fake')
  for (const name of ['self/attr', 'self/fd', 'sys/net/ipv4', 'sys/kernel', 'net/ipv4', 'kernel'])
    mkdirSync(join(path, name), { recursive: true })
  for (const name of [
    'self/attr/exec',
    'self/attr/current',
    'self/oom_score_adj',
    'sys/net/ipv4/ip_forward',
    'net/ipv4/ip_forward',
    'kernel/hostname',
  ])
    writeFileSync(join(path, name), 'fake\n')
  return path
}

const untouched = (path: string) => {
  const changed = readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((name) => {
    const file = join(path, name)
    try {
      return readFileSync(file, 'utf8') !== 'fake\n'
    } catch {
      return false // a folder
    }
  })
  expectSame(changed, [], 'files of the image that were written to')
}

const PROCFS: readonly Case[] = [
  {
    id: 'security-proc-fake',
    clause: `${CLAUSE}: CVE-2019-16884, CVE-2025-52881, CVE-2025-62596`,
    asks: 'a folder is mounted on /proc: refused, or what the runtime writes below /proc does not land there',
    test(subject) {
      const bundle = subject.bundle('true')
      const fake = fakeProc(bundle)
      bundle.configure((config) => {
        config.mounts.push({ destination: '/proc', type: 'bind', source: fake, options: ['bind'] })
        Object.assign(config.process ?? {}, { oomScoreAdj: 100 })
        Object.assign(config.linux, { sysctl: { 'net.ipv4.ip_forward': '1' } })
      })
      if (runOrRefuse(subject, bundle)) subject.await(bundle.id, 'stopped')
      untouched(fake)
    },
  },
  {
    id: 'security-proc-sys-fake',
    clause: `${CLAUSE}: CVE-2025-52881`,
    asks: 'a folder is mounted on /proc/sys: refused, or sysctls reach the kernel and not that folder',
    test(subject) {
      const bundle = subject.bundle('cat /proc/net/snmp >/tmp/seen; sleep 100')
      const fake = fakeProc(bundle)
      bundle.configure((config) => {
        config.mounts.push({ destination: '/proc/sys', type: 'bind', source: fake, options: ['bind'] })
        Object.assign(config.linux, { sysctl: { 'net.ipv4.ip_forward': '1' } })
      })
      const ran = runOrRefuse(subject, bundle)
      untouched(fake)
      if (!ran) return
      const pid = pidOf(subject, bundle.id)
      // "Forwarding" of the kernel's own counters: 1 is on.
      const [, values = ''] = subject
        .kernel(`/proc/${pid}/net/snmp`)
        .split('\n')
        .filter((line) => line.startsWith('Ip:'))
      expectSame(values.split(' ')[1], '1', 'forwarding in the network namespace')
    },
  },
  {
    id: 'security-readonly-proc-fake',
    clause: `${CLAUSE}: CVE-2026-115521`,
    asks: 'the image’s own /proc does not keep the root from being read-only',
    test(subject) {
      const bundle = subject.bundle('echo x >/written && echo x >/out/seen; echo end >>/out/seen')
      const fake = fakeProc(bundle)
      for (let fd = 3; fd < 20; fd++) symlinkSync('/tmp', join(fake, `self/fd/${fd}`))
      bundle.configure((config) => {
        config.root.readonly = true
        config.mounts.push({ destination: '/proc', type: 'bind', source: fake, options: ['bind'] })
        config.mounts.push({ destination: '/out', type: 'bind', source: subject.shared(), options: ['bind'] })
      })
      if (runOrRefuse(subject, bundle)) subject.await(bundle.id, 'stopped')
      expect(!readdirSync(bundle.rootfs).includes('written'), 'the program could write to the root')
    },
  },
]

const RACES: readonly Case[] = (['folder', 'file'] as const).map((kind) => ({
  id: `security-mount-race-${kind}`,
  clause: `${CLAUSE}: CVE-2021-30465, CVE-2024-45310`,
  deviations: { runc: { versions: '<1.1.14', race: true, why: 'has the flaw CVE-2024-45310' } },
  asks: `the target of a mount (a ${kind}) is swapped for a link to the host all the time: nothing is made or mounted outside`,
  test(subject) {
    const stage = subject.bundle('true')
    const victim = new Victim(stage)
    const volume = join(stage.path, 'volume')
    mkdirSync(join(volume, 'a'), { recursive: true })
    symlinkSync(victim.path, join(volume, 'b'))
    whileSwapping(join(volume, 'a'), join(volume, 'b'), () => {
      subject.repeat((turn) => {
        const bundle = subject.bundle('sleep 100')
        bundle.configure((config) => {
          config.mounts.push({ destination: '/volume', type: 'bind', source: volume, options: ['bind'] })
          const destination = `/volume/a/new-${turn}`
          if (kind === 'folder') config.mounts.push({ destination, type: 'tmpfs', source: 'tmpfs' })
          else config.mounts.push({ destination, type: 'bind', source: '/etc/hostname', options: ['bind'] })
        })
        subject.call('create', '--bundle', bundle.path, bundle.id)
        victim.expectUntouched()
      })
    })
  },
}))

export const SECURITY_ROOTFS: readonly Case[] = [...LINKS, ...PROCFS, ...RACES]
