/** The cache of compiled filters: when it is used, and what is never taken from it. */
import {
  chmodSync,
  chownSync,
  copyFileSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Seccomp } from '../../src/spec/types.gen.ts'
import type { Bundle } from '../support/bundle.ts'
import { filtered } from '../support/caller.ts'
import { exec, output } from '../support/exec.ts'
import { holdNamespaces } from '../support/holder.ts'
import { RUNTIME } from '../support/place.ts'
import { command, requires } from '../support/requires.ts'
import { stateRoot } from '../support/runtime.ts'
import { scratch } from '../support/scratch.ts'

const MKDIR = '83,@/tmp/x'
const HEAD = 24
const ALLOW = Buffer.from([6, 0, 0, 0, 0, 0, 0xff, 0x7f])
const profile = (errnoRet = 99): Seccomp => ({
  defaultAction: 'SCMP_ACT_ALLOW',
  syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO', errnoRet }],
})

/** Holds a mount namespace with a /run of its own. */
let holder = 0
/** That /run, as seen from outside, and the cache in it. */
const run = () => `/proc/${holder}/root/run`
const cache = () => `${run()}/davit.cache`
const files = () => readdirSync(cache()).map((name) => `${cache()}/${name}`)
const inside = (...args: readonly string[]) => ['-t', `${holder}`, '-m', ...args]
const sh = (script: string) => output('nsenter', inside('sh', '-c', script))

/** What a run of the bundle says, and whether libseccomp was loaded for it. */
async function runHere(made: Bundle) {
  const trace = `${scratch()}/trace`
  const strace = ['strace', '-f', '-o', trace, '-e', 'trace=openat']
  const davit = [RUNTIME, '--root', stateRoot(), 'run', '--bundle', made.path, made.id]
  const { code, stdout, stderr } = await exec('nsenter', inside(...strace, ...davit))
  const loaded = /openat\(.*libseccomp\.so\.2.* = \d+$/m.test(readFileSync(trace, 'utf8'))
  return { code, said: stdout.trim().split(' ')[1] ?? stderr, loaded }
}

const COMPILED = { code: 0, said: '-99', loaded: true }
const CACHED = { code: 0, said: '-99', loaded: false }
/** What the forged filter lets happen. */
const FORGED = { code: 0, said: '0', loaded: false }

/** A cached filter for the bundle. */
async function warm(): Promise<{ made: Bundle; file: string }> {
  const made = await filtered(profile(), [MKDIR])
  expect(await runHere(made)).toEqual(COMPILED)
  return { made, file: files()[0] as string }
}

/** Puts a filter that allows everything in the place of the cached one; all else in the file stays as it is. */
function forge(file: string): void {
  const whole = readFileSync(file)
  const end = HEAD + whole.readUInt32LE(8) + whole.readUInt32LE(12)
  const forged = Buffer.concat([whole.subarray(0, end), ALLOW])
  forged.writeUInt32LE(ALLOW.length, 16)
  writeFileSync(file, forged)
}

describe.runIf(requires('root', command('strace')) && process.arch === 'x64')('the cache of filters', () => {
  beforeEach(async () => {
    holder = await holdNamespaces(['--mount', '--propagation', 'private'], 'mnt')
    await sh('mount -t tmpfs tmpfs /run')
  })

  test('is filled by the first container, and spares the second libseccomp', async () => {
    const { made, file } = await warm()
    expect([lstatSync(cache()).mode & 0o7777, lstatSync(file).mode & 0o7777, files().length]).toEqual([0o700, 0o600, 1])
    expect(await runHere(made)).toEqual(CACHED)
    const other = await filtered(profile(98), [MKDIR])
    expect(await runHere(other)).toEqual({ ...COMPILED, said: '-98' })
    expect(files()).toHaveLength(2)
    expect(await runHere(made)).toEqual(CACHED)
  })

  test('what lies in it is what is loaded', async () => {
    const { made, file } = await warm()
    forge(file)
    expect(await runHere(made)).toEqual(FORGED)
  })

  test.each([
    ['a file of another user', (file: string) => chownSync(file, 1000, 0)],
    ['a file that the group can write', (file: string) => chmodSync(file, 0o620)],
    ['a file that anybody can write', (file: string) => chmodSync(file, 0o602)],
    [
      'a link to a file',
      (file: string) => {
        renameSync(file, `${run()}/elsewhere`)
        symlinkSync('/run/elsewhere', file)
      },
    ],
    [
      'a directory for a file',
      (file: string) => {
        renameSync(file, `${run()}/elsewhere`)
        mkdirSync(file)
      },
    ],
    [
      'a FIFO for a file',
      async (file: string) => {
        unlinkSync(file)
        await output('mkfifo', [file])
      },
    ],
    [
      'a device for a file',
      async (file: string) => {
        unlinkSync(file)
        await output('mknod', [file, 'c', '1', '5'])
      },
    ],
    ['a directory of another user', () => chownSync(cache(), 1000, 0)],
    ['a directory that others can enter', () => chmodSync(cache(), 0o711)],
    [
      'a link to a directory',
      () => {
        renameSync(cache(), `${run()}/elsewhere`)
        symlinkSync('elsewhere', cache())
      },
    ],
  ])('%s decides nothing', async (_, spoil) => {
    const { made, file } = await warm()
    forge(file)
    await spoil(file)
    expect(await runHere(made)).toEqual(COMPILED)
  })

  test('a second name of another user’s file decides nothing', async () => {
    const { made, file } = await warm()
    forge(file)
    renameSync(file, `${run()}/theirs`)
    chownSync(`${run()}/theirs`, 1000, 1000)
    linkSync(`${run()}/theirs`, file)
    const before = readFileSync(`${run()}/theirs`)
    expect(await runHere(made)).toEqual(COMPILED)
    // And what has the other name is not written to.
    expect(readFileSync(`${run()}/theirs`).equals(before)).toBe(true)
    expect(await runHere(made)).toEqual(CACHED)
  })

  test('many who fill it at once leave whole files', async () => {
    const bundles = await Promise.all(Array.from({ length: 6 }, () => filtered(profile(), [MKDIR])))
    const davit = (made: Bundle) => [RUNTIME, '--root', stateRoot(), 'run', '--bundle', made.path, made.id]
    const ends = await Promise.all(bundles.map((made) => exec('nsenter', inside(...davit(made)))))
    for (const end of ends) expect(end).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/ -99\n$/) })
    expect(files()).toHaveLength(1)
    expect(await runHere(bundles[0] as Bundle)).toEqual(CACHED)
  })

  test('a full disk leaves nothing of a file, and is no hindrance', async () => {
    await sh('mkdir -m 700 /run/davit.cache && mount -t tmpfs -o size=4096,mode=700 tmpfs /run/davit.cache')
    await sh('head -c 4096 /dev/zero >/run/davit.cache/full')
    const made = await filtered(profile(), [MKDIR])
    expect(await runHere(made)).toEqual(COMPILED)
    expect(await runHere(made)).toEqual(COMPILED)
    expect(files()).toEqual([`${cache()}/full`])
  })

  test.each([
    ['of another profile', (whole: Buffer) => whole.fill('x', HEAD + 200, HEAD + 201)],
    ['of another format', (whole: Buffer) => whole.fill('2', 7, 8)],
    ['cut short', (whole: Buffer) => whole.subarray(0, -8)],
    ['without a program', (whole: Buffer) => whole.subarray(0, whole.length - whole.readUInt32LE(16))],
    ['empty', () => Buffer.alloc(0)],
    ['longer than its parts', (whole: Buffer) => Buffer.concat([whole, ALLOW])],
    ['of impossible lengths', (whole: Buffer) => whole.fill(0xff, 8, 20)],
  ])('a file %s is compiled anew and replaced', async (_, spoil) => {
    const { made, file } = await warm()
    const before = readFileSync(file)
    writeFileSync(file, spoil(Buffer.from(before)))
    expect(await runHere(made)).toEqual(COMPILED)
    expect(readFileSync(file).equals(before)).toBe(true)
    expect(await runHere(made)).toEqual(CACHED)
  })

  test('another libseccomp is another filter', async () => {
    const { made } = await warm()
    const path = (
      await output('sh', ['-c', 'readlink -f $(/sbin/ldconfig -p | sed -n "s/.*libseccomp.so.2.*=> //p")'])
    ).trim()
    copyFileSync(path, `${run()}/copy`)
    await sh(`mount --bind /run/copy ${path}`)
    expect(await runHere(made)).toEqual(COMPILED)
    expect(await runHere(made)).toEqual(CACHED)
    await sh(`mount --bind /dev/null ${path}`)
    const { code, said } = await runHere(made)
    expect(code).toBe(1)
    expect(said).toMatch(
      /^davit: run failed: seccomp needs libseccomp.so.2 \(package libseccomp2 or libseccomp\): .*file too short\n$/,
    )
  })

  test('holds so many files, the newest', async () => {
    const { made, file } = await warm()
    renameSync(file, `${run()}/elsewhere`)
    const fill = (age: string, count: number) => {
      for (let i = 0; i < count; i++) writeFileSync(`${cache()}/${age}-${i}`, '')
    }
    fill('old', 6)
    await new Promise((done) => setTimeout(done, 50)) // the clock of inodes is coarse
    fill('young', 64)
    expect(await runHere(made)).toEqual(COMPILED)
    const names = files()
    expect(names).toHaveLength(64)
    expect(names).toContain(file)
    expect(names.filter((name) => name.includes('/old-'))).toEqual([])
  })

  test('a read-only /run is no hindrance', async () => {
    await sh('mount -o remount,ro /run')
    const made = await filtered(profile(), [MKDIR])
    expect(await runHere(made)).toEqual(COMPILED)
    expect(await runHere(made)).toEqual(COMPILED)
  })

  test('plan writes nothing', async () => {
    const made = await filtered(profile(), [MKDIR])
    const text = await output('nsenter', inside(RUNTIME, 'plan', '--bundle', made.path))
    expect(text).toMatch(/exec \["\/bin\/caller".* under a seccomp filter of \d+ instructions \(SPEC_ALLOW\)/)
    expect(readdirSync(run())).toEqual([])
  })
})
