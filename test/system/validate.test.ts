/** `davit validate` on real bundles: what a look at files tells, exit codes, and that an ordinary user needs nothing. */
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, type Config, run } from '../support/bundle.ts'
import { exec, output } from '../support/exec.ts'
import { ordinaryUser } from '../support/ordinary_user.ts'
import { RUNTIME } from '../support/place.ts'
import { command, requires } from '../support/requires.ts'
import { davit } from '../support/runtime.ts'
import { atEnd, scratch } from '../support/scratch.ts'

interface Found {
  readonly rule: string
  readonly pointer: string
  readonly message: string
  readonly line?: number
  readonly clause?: string
}
interface Answer {
  readonly code: number | null
  readonly valid: boolean
  readonly errors: readonly Found[]
  readonly warnings: readonly Found[]
}

async function validate({ path }: Pick<Bundle, 'path'>, ...flags: string[]): Promise<Answer> {
  const { code, stdout, stderr } = await davit(['validate', '--bundle', path, '--format', 'json', ...flags])
  expect(stderr).toBe('')
  return { code, ...JSON.parse(stdout) }
}

const told = (found: readonly Found[]) => found.map(({ pointer, message }) => `${pointer}: ${message}`)

/** The errors of a bundle with a changed configuration or changed files. */
async function errorsOf(change: (config: Config, made: { rootfs: string; path: string }) => void): Promise<string[]> {
  const made = await bundle()
  made.configure((config) => change(config, made))
  const { code, valid, errors } = await validate(made)
  expect([code, valid]).toEqual(errors.length > 0 ? [1, false] : [0, true])
  return told(errors)
}

describe.runIf(requires('root'))('davit validate', () => {
  test('is content with what davit spec writes, and so is create', async () => {
    const made = await bundle('exit 0')
    expect(await validate(made)).toMatchObject({ code: 0, valid: true, errors: [], warnings: [] })
    expect((await run(made)).code).toBe(0)
  })

  test('tells every kind of trouble at once, with places', async () => {
    const made = await bundle((config) => {
      Object.assign(config, { Hostname: 'x', ociVersion: '2.0.0' })
      config.process.cwd = 'relative'
      config.process.args = ['no-such-program']
      config.mounts.push({ destination: '/x', source: 'no-such-file', options: ['bind'] })
    })
    writeFileSync(`${made.path}/config.json`, JSON.stringify(made.config, null, 2))
    const { code, errors, warnings } = await validate(made)
    expect(code).toBe(1)
    expect(errors.map(({ pointer }) => pointer).toSorted()).toEqual([
      '/mounts/7/source',
      '/ociVersion',
      '/process/args/0',
      '/process/cwd',
    ])
    expect(warnings.map(({ pointer }) => pointer)).toEqual(['/Hostname'])
    const lines = JSON.stringify(made.config, null, 2).split('\n')
    const line = errors.find(({ pointer }) => pointer === '/process/cwd')?.line
    expect(lines[(line ?? 0) - 1]).toContain('"cwd": "relative"')
  })

  test('text: editors find the place', async () => {
    const made = await bundle((config) => {
      config.process.cwd = 'x'
    })
    const { code, stdout } = await davit(['validate'], { cwd: made.path })
    expect(code).toBe(1)
    expect(stdout).toMatch(/^\/[^:]+\/config\.json:1:\d+: error: \/process\/cwd: .* \[config\.md#process, MUST\]\n {4}/)
    expect(stdout).toMatch(/\n1 error, 0 warnings\n$/)
  })

  test('exit codes: 2 when the command line or the place is wrong', async () => {
    for (const args of [['--no-such-flag'], ['word'], ['--format', 'xml'], ['--bundle', '/no/such']]) {
      const { code, stdout, stderr } = await davit(['validate', ...args])
      expect([code, stdout], args.join(' ')).toEqual([2, ''])
      expect(stderr).toMatch(/^davit: [^\n]+\n$/)
    }
  })

  test('--strict counts warnings', async () => {
    const made = await bundle((config) => Object.assign(config, { Hostname: 'x' }))
    expect((await validate(made)).code).toBe(0)
    expect(await validate(made, '--strict')).toMatchObject({ code: 1, valid: true })
  })

  test('no config.json, and one that is none', async () => {
    const made = await bundle()
    writeFileSync(`${made.path}/other.json`, '{"ociVersion": "1.0.0",\n}')
    const other = await validate(made, '--config', 'other.json')
    expect(other.errors).toEqual([expect.objectContaining({ rule: 'syntax', line: 2, column: 1 })])
    writeFileSync(`${made.path}/config.json`, Buffer.from([0x22, 0xff, 0x22]))
    expect(told((await validate(made)).errors)).toEqual([': not valid UTF-8'])
    unlinkSync(`${made.path}/config.json`)
    expect(await validate(made)).toMatchObject({ code: 1, errors: [{ clause: 'bundle.md#container-format' }] })
  })

  test('a config.json that nobody writes to is not waited for', async () => {
    const made = await bundle()
    unlinkSync(`${made.path}/config.json`)
    await output('mkfifo', [`${made.path}/config.json`])
    const { code, stderr } = await exec(RUNTIME, ['validate', '--bundle', made.path], { timeout: 10_000 })
    expect(stderr).toBe(`davit: validate failed: "${made.path}/config.json" is no regular file\n`)
    expect(code).toBe(2)
  })
})

describe.runIf(requires('root'))('the rootfs', () => {
  test('must be a directory', async () => {
    expect(await errorsOf((_, { rootfs }) => rmSync(rootfs, { recursive: true }))).toEqual([
      expect.stringMatching(/^\/root\/path: rootfs ".*": no such file or directory$/),
    ])
    expect(
      await errorsOf((_, { rootfs }) => {
        rmSync(rootfs, { recursive: true })
        writeFileSync(rootfs, '')
      }),
    ).toEqual([expect.stringMatching(/^\/root\/path: rootfs ".*": not a directory$/)])
  })

  test.each<[string, string[], string | undefined, ((rootfs: string) => void)?]>([
    ['by PATH', ['busybox'], undefined],
    ['by an absolute path', ['/bin/probe'], undefined],
    ['by a path from cwd', ['./probe'], undefined],
    ['nowhere in PATH', ['nope'], 'exec: "nope": executable file not found in $PATH'],
    ['a missing file', ['/bin/nope'], 'exec: "/bin/nope": no such file in the rootfs'],
    ['a directory', ['/bin'], 'exec: "/bin": permission denied: not an executable file'],
    [
      'no permission',
      ['/x'],
      'exec: "/x": permission denied: not an executable file',
      (r) => writeFileSync(`${r}/x`, '', { mode: 0o644 }),
    ],
    ['through links of the image, absolute ones too', ['/l/sh'], undefined, (r) => symlinkSync('/m', `${r}/l`)],
    [
      'never outside: a link to what only the host has',
      ['/h'],
      'exec: "/h": no such file in the rootfs',
      (r) => symlinkSync('/usr/bin/env', `${r}/h`),
    ],
    [
      'never outside: dots',
      ['/../../../../../usr/bin/env'],
      'exec: "/../../../../../usr/bin/env": no such file in the rootfs',
    ],
    [
      'a link to itself',
      ['/loop'],
      'exec: "/loop": no such file in the rootfs',
      (r) => symlinkSync('loop', `${r}/loop`),
    ],
  ])('a program: %s', async (_, args, message, prepare = () => {}) => {
    const found = await errorsOf((config, { rootfs }) => {
      symlinkSync('bin', `${rootfs}/m`)
      prepare(rootfs)
      config.process.args = args
      config.process.cwd = args[0]?.startsWith('./') ? '/bin' : '/'
    })
    expect(found).toEqual(message === undefined ? [] : [`/process/args/0: ${message}`])
  })

  test('what a mount covers is not judged', async () => {
    expect(
      await errorsOf((config, { path }) => {
        mkdirSync(`${path}/opt`)
        config.mounts.push({ destination: '/opt', source: 'opt', options: ['bind'] })
        config.process.args = ['/opt/app']
      }),
    ).toEqual([])
  })
})

describe.runIf(requires('root'))('files of the host', () => {
  test('sources, hooks, namespaces', async () => {
    const errors = await errorsOf((config, { path }) => {
      writeFileSync(`${path}/plain`, '')
      config.mounts.push(
        { destination: '/a', source: '/no/such', options: ['rbind'] },
        { destination: '/b', source: 'plain', options: ['bind'] },
      )
      config.hooks = {
        createRuntime: [{ path: '/bin/true' }, { path: '/no/such' }],
        poststop: [{ path: `${path}/plain` }],
        startContainer: [{ path: '/bin/probe' }, { path: '/usr/bin/env' }],
      }
      config.linux.namespaces = config.linux.namespaces.map((each) =>
        each.type === 'network' ? { ...each, path: '/no/ns' } : each,
      )
    })
    expect(errors.toSorted()).toEqual([
      '/hooks/createRuntime/1/path: hook "/no/such": no such file or directory',
      expect.stringMatching(/^\/hooks\/poststop\/0\/path: hook ".*\/plain": not an executable file$/),
      '/hooks/startContainer/1/path: hook "/usr/bin/env": no such file or directory in the rootfs',
      '/linux/namespaces/1/path: namespace "/no/ns": no such file or directory',
      '/mounts/7/source: mount source "/no/such": no such file or directory',
    ])
  })

  test('an agent and interfaces that are not there yet, calls that nobody knows: warnings', async () => {
    const made = await bundle((config) => {
      config.linux.seccomp = {
        defaultAction: 'SCMP_ACT_ALLOW',
        listenerPath: '/no/agent',
        syscalls: [{ names: ['getcwd', 'getcvd', 'socketcall'], action: 'SCMP_ACT_NOTIFY' }],
      }
      config.linux.netDevices = { 'no-such0': {} }
    })
    const { code, warnings } = await validate(made)
    expect(code).toBe(0)
    const pointers = warnings.map(({ pointer }) => pointer)
    // socketcall is one of other architectures.
    expect(pointers).toContain('/linux/seccomp/syscalls/0/names/1')
    expect(pointers.filter((each) => each.startsWith('/linux/seccomp/syscalls'))).toHaveLength(1)
    expect(pointers).toEqual(expect.arrayContaining(['/linux/seccomp/listenerPath', '/linux/netDevices/no-such0']))
  })

  test('what davit refuses on this machine: warnings with the place', async () => {
    const made = await bundle((config) => {
      config.process.scheduler = { policy: 'SCHED_ISO' }
    })
    const { code, warnings } = await validate(made)
    expect(code).toBe(0)
    expect(warnings).toEqual([
      expect.objectContaining({
        rule: 'machine',
        pointer: '/process/scheduler/policy',
        clause: 'config.md#linux-process',
      }),
    ])
  })
})

describe.runIf(requires('root'))('an ordinary user', () => {
  test('sees the same, and nothing is written', async () => {
    const made = await bundle((config) => {
      config.process.args = ['nope']
      config.linux.seccomp = {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: ['getcvd'], action: 'SCMP_ACT_LOG' }],
      }
    })
    const user = await ordinaryUser(scratch())
    atEnd(user.remove)
    const answer = await user.exec(user.runtime, ['validate', '--bundle', made.path, '--format', 'json'])
    expect(answer.stderr).toBe('')
    expect(answer.code).toBe(1)
    expect(told(JSON.parse(answer.stdout).errors)).toEqual([
      '/process/args/0: exec: "nope": executable file not found in $PATH',
    ])
    expect([...readdirSync(user.home), ...readdirSync(user.runtimeDir)]).toEqual([])
  })

  test('is told what it may not look at', async () => {
    const made = await bundle()
    const user = await ordinaryUser(scratch())
    atEnd(user.remove)
    chmodSync(`${made.rootfs}/bin`, 0o700)
    const { code, stdout } = await user.exec(user.runtime, ['validate', '--bundle', made.path, '--format', 'json'])
    expect(code).toBe(0)
    const { warnings } = JSON.parse(stdout)
    expect(told(warnings)).toContain('/process/args/0: "sh" cannot be looked for: permission denied')
  })

  test.runIf(requires(command('strace')))('runs nothing and makes nothing', async () => {
    const made = await bundle()
    const trace = `${scratch()}/trace`
    const calls =
      'execve,execveat,mkdir,mkdirat,unlink,unlinkat,rename,renameat2,mount,fsopen,unshare,symlinkat,bpf,creat'
    const args = ['-f', '-o', trace, '-e', `trace=${calls},openat`, RUNTIME, 'validate', '--bundle', made.path]
    expect((await exec('strace', args)).code).toBe(0)
    const lines = readFileSync(trace, 'utf8').split('\n')
    // The program executes its engine, once; no file is opened that would be made.
    expect(lines.filter((line) => /execve\(/.test(line))).toHaveLength(2)
    const others = lines.filter((line) => /^\d+ +(?!execve|openat)\w+\(/.test(line) || /openat\(.*O_CREAT/.test(line))
    expect(others).toEqual([])
  })
})
