/** What an `exec` keeps for the next ones is used only if it is whole, ours, and for the very same. */
import { chmodSync, chownSync, lstatSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Bundle, Config } from '../support/bundle.ts'
import { output } from '../support/exec.ts'
import { keptFiles, keptFolder, runningContainer, spoilForm } from '../support/kept_exec.ts'
import { IS_REFERENCE, RUNTIME } from '../support/place.ts'
import { command, requires } from '../support/requires.ts'
import { must, stateRoot } from '../support/runtime.ts'
import { scratch } from '../support/scratch.ts'
import { until } from '../support/wait.ts'

describe.runIf(requires('root', command('strace'), command('setpriv'), command('mkfifo')) && !IS_REFERENCE)(
  'what an exec has kept',
  () => {
    test('goes through what is no kept exec, and puts it right', async () => {
      const made = await runningContainer()
      const say = () => must(['exec', made.id, '/bin/echo', 'here'])
      await say()
      const path = `${keptFolder(made)}/${keptFiles(made)[0]}`
      const whole = readFileSync(path)
      const parts = [0, 1, 300, whole.indexOf('\n'), whole.length - 1].map((end) => whole.subarray(0, end))
      const spoilt = [...parts, Buffer.from('\n\n\n'), Buffer.from('{}\n{}\n0123456789abcdef'), Buffer.alloc(9000, 10)]
      // One byte of each part: the sum, the key, what the parent does, the programs.
      const lines = [...whole.entries()].filter(([, byte]) => byte === 10).map(([at]) => at)
      for (const at of [
        2,
        (lines[0] as number) + 9,
        (lines[1] as number) + 9,
        (lines[2] as number) + 9,
        whole.length - 40,
      ]) {
        const bytes = Buffer.from(whole)
        bytes[at] = (bytes[at] as number) ^ 1
        spoilt.push(bytes)
      }
      for (const bytes of spoilt) {
        writeFileSync(path, bytes)
        expect(await say()).toBe('here\n')
        expect(readFileSync(path).equals(whole), `${bytes.subarray(0, 20)}`).toBe(true)
      }
    })

    test('takes nothing that somebody else could have written', async () => {
      const made = await runningContainer((config) => {
        config.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 1111, hard: 2222 }]
      })
      const say = () => must(['exec', made.id, '/bin/sh', '-c', 'ulimit -Sn'])
      await say()
      spoilForm(made)
      expect(await say()).toBe('1112\n')
      const path = `${keptFolder(made)}/${keptFiles(made)[0]}`
      const other = readFileSync(path)
      for (const how of ['mode', 'owner', 'link', 'fifo']) {
        rmSync(path)
        if (how === 'link') {
          writeFileSync(`${scratch()}/form`, other, { mode: 0o600 })
          symlinkSync(`${scratch()}/form`, path)
        } else if (how === 'fifo') await output('mkfifo', [path])
        else writeFileSync(path, other, { mode: 0o600 })
        if (how === 'mode') chmodSync(path, 0o666)
        if (how === 'owner') chownSync(path, 12345, 12345)
        expect(await say(), how).toBe('1111\n')
        const { mode, uid } = lstatSync(path)
        expect([mode, uid], how).toEqual([0o100600, 0])
      }
    })

    test('is not that of another container, or of another caller', async () => {
      const limitless = (config: Config) => {
        config.process.rlimits = []
      }
      const [made, other] = [await runningContainer(limitless), await runningContainer(limitless)]
      const say = (of: Bundle) =>
        must(['exec', of.id, '/bin/sh', '-c', 'hostname; ulimit -n; grep CapBnd /proc/self/status'])
      const seen = await say(made)
      await say(other)
      const [form] = keptFiles(made)
      for (const name of keptFiles(other)) renameSync(`${keptFolder(other)}/${name}`, `${keptFolder(made)}/${name}`)
      expect(keptFiles(made)).toContain(form)
      expect(await say(made)).toBe(seen)
      const run = (before: string) =>
        output('sh', [
          '-c',
          `${before} "$@"`,
          '-',
          RUNTIME,
          '--root',
          stateRoot(),
          'exec',
          made.id,
          '/bin/sh',
          '-c',
          'ulimit -n; grep CapBnd /proc/self/status',
        ])
      const [first, less, fewer] = [
        await run(''),
        await run('ulimit -n 512;'),
        await run('setpriv --bounding-set=-kill --'),
      ]
      expect(first).not.toMatch(/^512\n/)
      expect(less).toMatch(/^512\n/)
      expect(fewer).not.toBe(first)
      expect([await run(''), await run('ulimit -n 512;')]).toEqual([first, less])
    })

    test('reads what was there when it opened it, while another is written in its place', async () => {
      const made = await runningContainer()
      // Of one size, and in one place: one digit of many groups is another.
      const file = (uid: number) => {
        const user = { uid, gid: 0, additionalGids: Array.from({ length: 2400 }, (_, n) => 20_000 + n) }
        const path = `${scratch()}/${uid}.json`
        writeFileSync(path, JSON.stringify({ cwd: '/', args: ['/bin/id', '-u'], env: [], user }))
        return ['exec', '--process', path, made.id]
      }
      const users = Array.from({ length: 9 }, (_, n) => 1001 + n)
      const placeOf = async (uid: number) => {
        for (const name of keptFiles(made)) rmSync(`${keptFolder(made)}/${name}`)
        expect(await must(file(uid))).toBe(`${uid}\n`)
        return keptFiles(made)[0] as string
      }
      const places = new Map<string, number[]>()
      for (const uid of users) {
        const place = await placeOf(uid)
        places.set(place, [...(places.get(place) ?? []), uid])
      }
      // Nine are more than there are places, and do not all go to one.
      expect(places.size).toBeGreaterThan(1)
      const [place, [one = 0, two = 0] = []] = [...places].find(([, uids]) => uids.length > 1) ?? []
      await placeOf(one)
      const path = `${keptFolder(made)}/${place}`
      const slow = [
        '-f',
        '-o',
        '/dev/null',
        '-P',
        path,
        '-e',
        'trace=read',
        '-e',
        'inject=read:delay_enter=5000000:when=2',
      ]
      const reading = output('strace', [...slow, RUNTIME, '--root', stateRoot(), ...file(one)])
      const isOpen = () => output('sh', ['-c', `ls -l /proc/[0-9]*/fd 2>/dev/null | grep ${path} || true`])
      await until('it is being read', isOpen)
      expect(await must(file(two))).toBe(`${two}\n`)
      expect(await reading).toBe(`${one}\n`)
    })
  },
)
