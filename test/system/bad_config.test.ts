/** A bad bundle or config.json: one clear line that names the place, and nothing left. */
import { chmodSync, mkdirSync, readdirSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, type Config, run } from '../support/bundle.ts'
import { refused } from '../support/refusal.ts'
import { requires } from '../support/requires.ts'
import { scratch } from '../support/scratch.ts'

interface Case {
  readonly name: string
  readonly config?: (config: Config) => void
  readonly files?: (made: Bundle) => void
  readonly says: readonly (string | RegExp)[]
  readonly warnings?: RegExp
}

const BUNDLES: readonly Case[] = [
  {
    name: 'no bundle',
    files: ({ path }) => rmSync(path, { recursive: true }),
    says: [/^bundle "/, 'no such file or directory'],
  },
  {
    name: 'the bundle is a file',
    files: ({ path }) => {
      rmSync(path, { recursive: true })
      writeFileSync(path, '')
    },
    says: [/^bundle "/, 'not a directory'],
  },
  {
    name: 'no config.json',
    files: ({ path }) => unlinkSync(`${path}/config.json`),
    says: ['config.json', 'no such file or directory'],
  },
  {
    name: 'config.json is a directory',
    files: ({ path }) => {
      unlinkSync(`${path}/config.json`)
      mkdirSync(`${path}/config.json`)
    },
    says: ['config.json', 'is a directory'],
  },
  {
    name: 'broken JSON, with line and column',
    files: ({ path }) => writeFileSync(`${path}/config.json`, '{\n  "ociVersion": "1.2.0",\n  "process": {,\n}\n'),
    says: ['line 3', 'column 15'],
  },
  { name: 'an empty config.json', files: ({ path }) => writeFileSync(`${path}/config.json`, ''), says: ['line 1'] },
  {
    name: 'config.json is not UTF-8',
    files: ({ path }) => writeFileSync(`${path}/config.json`, Buffer.from([0x7b, 0xff, 0x7d])),
    says: ['not valid UTF-8'],
  },
  {
    name: 'no rootfs',
    files: ({ rootfs }) => rmSync(rootfs, { recursive: true }),
    says: ['rootfs "', '/root/path', 'no such file or directory'],
  },
  {
    name: 'the rootfs is a file',
    files: ({ rootfs }) => {
      rmSync(rootfs, { recursive: true })
      writeFileSync(rootfs, '')
    },
    says: ['rootfs "', '/root/path', 'not a directory'],
  },
]

const CONFIGS: readonly Case[] = [
  {
    name: 'unknown ociVersion',
    config: (c) => Object.assign(c, { ociVersion: '9.0.0' }),
    says: ['/ociVersion', '9.0.0'],
  },
  {
    name: 'mounts without a mount namespace, which would be made on the host',
    config: (c) => {
      c.linux.namespaces = c.linux.namespaces.filter(({ type }) => type !== 'mount')
      c.linux.maskedPaths = []
      c.linux.readonlyPaths = []
    },
    says: ['/mounts', 'mounts need a mount namespace'],
  },
  { name: 'no root.path', config: (c) => Object.assign(c, { root: {} }), says: ['/root', 'path'] },
  {
    name: 'no args',
    config: (c) => Object.assign(c.process, { args: [] }),
    says: ['/process/args', 'args must not be empty'],
  },
  {
    name: 'a relative cwd',
    config: (c) => Object.assign(c.process, { cwd: 'tmp' }),
    says: ['/process/cwd', 'absolute'],
  },
  { name: 'no cwd', config: (c) => Object.assign(c.process, { cwd: undefined }), says: ['cwd'] },
  {
    name: 'unknown namespace',
    config: (c) => c.linux.namespaces.push({ type: 'moon' as never }),
    says: ['/linux/namespaces/', 'moon'],
  },
  {
    name: 'a namespace twice',
    config: (c) => c.linux.namespaces.push({ type: 'pid' }),
    says: ['/linux/namespaces/', /duplicat/],
  },
  {
    name: 'a uid out of range',
    config: (c) => Object.assign(c.process.user, { uid: 4294967296 }),
    says: ['/process/user/uid'],
  },
  {
    name: 'the uid that means none',
    config: (c) => Object.assign(c.process.user, { uid: 4294967295 }),
    says: ['/process/user/uid'],
  },
  { name: 'a negative gid', config: (c) => Object.assign(c.process.user, { gid: -1 }), says: ['/process/user/gid'] },
  {
    name: 'a gid with a fraction',
    config: (c) => Object.assign(c.process.user, { gid: 1.5 }),
    says: ['/process/user/gid'],
  },
  { name: 'a NUL in an argument', config: (c) => c.process.args.push('a\0b'), says: ['/process/args/'] },
  {
    name: 'a hostname without its namespace',
    config: (c) =>
      Object.assign(c, {
        hostname: 'x',
        linux: { ...c.linux, namespaces: c.linux.namespaces.filter(({ type }) => type !== 'uts') },
      }),
    says: ['/hostname'],
  },
  {
    name: 'a sysctl outside /proc/sys',
    config: (c) => Object.assign(c.linux, { sysctl: { 'net/../../sysrq-trigger': 'b' } }),
    says: ['/linux/sysctl'],
  },
  {
    name: 'a rlimit nobody knows',
    config: (c) => Object.assign(c.process, { rlimits: [{ type: 'RLIMIT_MOON', soft: 1, hard: 1 }] }),
    says: ['/process/rlimits/0', 'RLIMIT_MOON'],
  },
  {
    name: 'an unsupported field',
    config: (c) => Object.assign(c.process, { scheduler: { policy: 'SCHED_ISO' } }),
    says: ['/process/scheduler/policy', 'no Linux kernel has it'],
  },
]

const STEPS: readonly Case[] = [
  {
    name: 'mount of an unknown filesystem',
    config: (c) => c.mounts.push({ destination: '/mnt', type: 'moonfs', source: 'moon' }),
    says: ['mount "moon" on "/mnt", from /mounts/7', 'no such device'],
  },
  {
    name: 'a mount option that the filesystem does not know, in the words of the kernel',
    config: (c) => c.mounts.push({ destination: '/mnt', type: 'tmpfs', source: 'tmpfs', options: ['cheese=1'] }),
    says: ['mount "tmpfs" on "/mnt" (cheese=1), from /mounts/7', 'invalid argument', "Unknown parameter 'cheese'"],
  },
  {
    name: 'a bind mount without a source',
    config: (c) => c.mounts.push({ destination: '/mnt', source: '/no/such/thing', options: ['bind'] }),
    says: ['/mounts/7', '/no/such/thing', 'no such file or directory'],
  },
  {
    name: 'a mount target that is a file',
    config: (c) => c.mounts.push({ destination: '/etc/passwd/x', type: 'tmpfs', source: 'tmpfs' }),
    says: ['/mounts/7', 'not a directory'],
  },
  {
    name: 'a file on a directory, in the words of mount(2): Docker explains them',
    config: (c) => c.mounts.push({ destination: '/etc', source: '/etc/passwd', options: ['bind'] }),
    says: ['/mounts/7', 'not a directory'],
  },
  {
    name: 'a directory on a file',
    config: (c) => c.mounts.push({ destination: '/etc/passwd', source: '/etc', options: ['bind'] }),
    says: ['/mounts/7', 'not a directory'],
  },
  {
    name: 'cwd is a file',
    config: (c) => Object.assign(c.process, { cwd: '/etc/passwd' }),
    says: ['working directory "/etc/passwd"', '/process/cwd', 'not a directory'],
  },
  {
    name: 'cwd that cannot be made',
    config: (c) => Object.assign(c.process, { cwd: '/proc/none/such' }),
    says: ['/proc/none/such', '/process/cwd', /no such file or directory|operation not permitted/],
  },
  {
    name: 'a hostname that is too long',
    config: (c) => Object.assign(c, { hostname: 'x'.repeat(65) }),
    says: ['/hostname'],
  },
  {
    name: 'a limit above the hard limit that cannot be raised',
    config: (c) => Object.assign(c.process, { rlimits: [{ type: 'RLIMIT_NOFILE', soft: 2 ** 31, hard: 2 ** 31 }] }),
    says: ['/process/rlimits/0', 'operation not permitted'],
  },
  {
    name: 'a sysctl that does not exist',
    config: (c) => Object.assign(c.linux, { sysctl: { 'net.ipv4.no_such_thing': '1' } }),
    says: ['/linux/sysctl/net.ipv4.no_such_thing', 'no such file or directory'],
  },
]

const EXECUTABLES: readonly (readonly [string, string[], readonly string[]])[] = [
  ['not found in PATH', ['nosuchprogram'], ['exec: "nosuchprogram": executable file not found in $PATH']],
  ['not found by path', ['/bin/nosuchprogram'], ['exec: "/bin/nosuchprogram"', 'no such file or directory']],
  ['below a file', ['/etc/passwd/x'], ['exec: "/etc/passwd/x"', 'no']],
  ['not executable', ['/etc/passwd'], ['exec: "/etc/passwd": permission denied']],
  // Engines take "permission denied" for what cannot be executed: 126.
  ['a directory', ['/etc'], ['exec: "/etc": is a directory: permission denied']],
  ['of a wrong format', ['/bin/junk'], ['exec /bin/junk: exec format error']],
  ['with an interpreter that is not there', ['/bin/script'], ['exec /bin/script: no such file or directory']],
]

async function check({ config, files, says, warnings }: Case): Promise<void> {
  const made = await bundle(config, { applets: ['sh'] })
  files?.(made)
  const said = await refused(made, warnings ? { warnings } : {})
  for (const words of says) {
    if (typeof words === 'string') expect(said).toContain(words)
    else expect(said).toMatch(words)
  }
}

describe.runIf(requires('root'))('bad input', () => {
  describe('of the bundle', () => {
    test.each(BUNDLES)('$name', check)
  })

  describe('found before anything is made', () => {
    test.each(CONFIGS)('$name', check)

    test('every wrong type at once, each with its place', async () => {
      const made = await bundle((config) => {
        Object.assign(config.process, { args: 'sh', cwd: 7 })
        Object.assign(config, { hostname: ['x'], mounts: {} })
      })
      const said = await refused(made)
      for (const place of ['/process/args', '/process/cwd', '/hostname', '/mounts']) expect(said).toContain(place)
    })

    test('an unknown capability is a warning', async () => {
      const made = await bundle((config) => {
        config.process.args = ['true']
        Object.assign(config.process.capabilities ?? {}, { bounding: ['CAP_MOON'] })
      })
      const { code, stderr } = await run(made)
      expect(code).toBe(0)
      expect(stderr).toMatch(/^davit: warning: [^\n]*CAP_MOON[^\n]*\n$/)
    })
  })

  describe('found on the way', () => {
    test.each(STEPS)('$name', check)
  })

  describe('executable', () => {
    test.each(EXECUTABLES)('%s', async (_, args, says) => {
      const made = await bundle(args)
      writeFileSync(`${made.rootfs}/bin/junk`, '\x7fELF junk')
      writeFileSync(`${made.rootfs}/bin/script`, '#!/no/such/interpreter\n')
      for (const name of ['junk', 'script']) chmodSync(`${made.rootfs}/bin/${name}`, 0o755)
      const said = await refused(made)
      expect(said).toMatch(/^unable to start container process: /)
      for (const words of says) expect(said).toContain(words)
    })
  })

  test('a mount target that leads out of the rootfs stays inside', async () => {
    const made = await bundle((config) => {
      config.process.args = ['ls', '/leak']
      config.mounts.push({ destination: '/data/made', type: 'tmpfs', source: 'tmpfs' })
    })
    const outside = `${scratch()}/outside`
    mkdirSync(outside)
    symlinkSync(`../../../../../../../../../..${outside}`, `${made.rootfs}/data`)
    symlinkSync(outside, `${made.rootfs}/leak`)
    expect(await run(made)).toMatchObject({ code: 0, stdout: 'made\n' })
    expect(readdirSync(outside)).toEqual([])
  })
})
