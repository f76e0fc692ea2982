/**
 * davit is killed at every system call of exec that matters. The process of exec is then there as it was asked for or
 * not at all, never half made; the container goes on, and can be entered again.
 */
import { mkdirSync, readFileSync, readlinkSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { killedAt, recovers } from '../support/accident.ts'
import { type Bundle, bundle, createStart } from '../support/bundle.ts'
import { output } from '../support/exec.ts'
import { execIn, outputIn } from '../support/in_container.ts'
import { command, requires } from '../support/requires.ts'
import { state, stateRoot } from '../support/runtime.ts'
import { until } from '../support/wait.ts'

const applets = ['sh', 'sleep', 'true', 'cat']

/** System calls and how many of them to pass over each time. */
const CALLS = { write: 1, clone3: 1, sendto: 1, recvmsg: 1, memfd_create: 1, pidfd_open: 1, renameat2: 1, openat: 9 }

/** Processes of the container that are not its first, by what they execute. */
async function others(made: Bundle): Promise<string[]> {
  const listed = await output('pgrep', ['--ns', String((await state(made.id)).pid), '--nslist', 'pid', '.'])
  const { pid } = await state(made.id)
  return listed
    .split('\n')
    .filter((line) => line !== '' && Number(line) !== pid)
    .flatMap((line) => {
      try {
        return [`${readlinkSync(`/proc/${line}/exe`)} ${readFileSync(`/proc/${line}/cmdline`, 'utf8')}`]
      } catch {
        return [] // it has just ended
      }
    })
}

describe.runIf(requires('root', command('strace'), command('pgrep')))('exec, killed at a system call', () => {
  const cases = Object.entries(CALLS).flatMap(([call, step]) =>
    [['--detach'], []].map((flags) => ({ call, step, flags, how: flags[0] ?? 'foreground' })),
  )

  test.each(cases)('$how: $call', async ({ call, step, flags }) => {
    mkdirSync(stateRoot(), { recursive: true })
    const made = await bundle(['sleep', '600'], { applets })
    const { pid } = await createStart(made)
    const line = ['exec', '--pid-file', `${made.path}/pid`, ...flags, made.id, 'sleep', flags.length > 0 ? '700' : '0']
    for (let n = 1; n < 200; n += step) {
      const hit = await killedAt(call, n, line, `${made.path}/exec`)
      // What was ready for its program may still become that; nothing stays what davit made of it.
      const wild = () => others(made).then((list) => list.filter((text) => text.includes('davit')))
      await until('no process that is half made', async () => (await wild()).length === 0)
      expect(await state(made.id)).toMatchObject({ status: 'running', pid })
      if (!hit) break
    }
    expect(await outputIn(made.id, 'echo again')).toBe('again\n')
    for (const text of await others(made)) expect(text).toMatch(/busybox sleep\0/)
    await recovers(made)
    expect((await execIn(made.id, ['true'])).stderr).toContain('does not exist')
  })
})
