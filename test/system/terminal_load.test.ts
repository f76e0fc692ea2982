/** Bytes in large numbers through a terminal and through pipes: none lost, none out of order, the last one too. */
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, run, startRun } from '../support/bundle.ts'
import { start } from '../support/exec.ts'
import { patience } from '../support/pace.ts'
import { RUNTIME } from '../support/place.ts'
import { probePath } from '../support/probe.ts'
import { requires } from '../support/requires.ts'
import { stateRoot } from '../support/runtime.ts'
import { until } from '../support/wait.ts'

const SIZE = 100_000_000
/** Numbers, so that no two lines are alike and none can be missing unseen. */
const FLOOD = `seq 1 20000000 | head -c ${SIZE} | cat` // by blocks, not by lines

const inContainer = (script: string, terminal: boolean) =>
  bundle((config) => {
    config.process.terminal = terminal
    config.process.args = ['/bin/sh', '-c', script]
  })

const LINE = (made: Bundle) => `${RUNTIME} --root ${stateRoot()} run --bundle ${made.path} ${made.id}`

let expected: Promise<string> | undefined

/** The checksum of the flood as the host makes it. */
function checksum(): Promise<string> {
  expected ??= start('sh', ['-c', `${FLOOD} | sha256sum`], { timeout: 60_000 }).done.then(({ stdout }) => stdout)
  return expected
}

const shell = async (line: string) => (await start('bash', ['-c', line], { timeout: 110_000 }).done).stdout

describe.runIf(requires('root'))('100 MB', { timeout: patience(120_000) }, () => {
  test('from a pipe of the container to a pipe', async () => {
    const made = await inContainer(FLOOD, false)
    expect(await shell(`${LINE(made)} | sha256sum`)).toBe(await checksum())
  })

  test('from a terminal of the container to a pipe', async () => {
    const made = await inContainer(FLOOD, true)
    expect(await shell(`${LINE(made)} </dev/null | sha256sum`)).toBe(await checksum())
  })

  test('from a terminal of the container to a terminal', async () => {
    const made = await inContainer(`stty raw; ${FLOOD}`, true)
    expect(await shell(`${await probePath()} pty 24 80 ${LINE(made)} </dev/null | sha256sum`)).toBe(await checksum())
  })

  test('from a terminal of the container to a file', async () => {
    const made = await inContainer(FLOOD, true)
    expect(await shell(`${LINE(made)} </dev/null >${made.path}/out; sha256sum <${made.path}/out`)).toBe(
      await checksum(),
    )
  })

  test('into a terminal of the container', async () => {
    const made = await inContainer(`stty raw -echo; echo ready; head -c ${SIZE} | sha256sum`, true)
    const fifo = `${made.path}/fifo`
    // Nothing is to be typed before the terminal takes it as it is.
    const wait = `until grep -q ready ${made.path}/out; do sleep 0.05; done`
    const line = `mkfifo ${fifo}; touch ${made.path}/out; (${wait}; ${FLOOD}) | ${LINE(made)} >${made.path}/out; cat ${made.path}/out`
    expect(await shell(line)).toBe(`ready\n${await checksum()}`)
  })
})

describe.runIf(requires('root'))('the last byte', () => {
  test.each([true, false])(
    'of a process that ends at once comes out, terminal %s, each of thirty times',
    async (tty) => {
      const text = createHash('sha512').update('seed').digest('hex').repeat(90)
      for (const length of [1, 4095, 4096, 4097, 8192, 11000]) {
        const wanted = text.slice(0, length)
        const made = await inContainer(`printf %s ${wanted}`, tty)
        for (let i = 0; i < 5; i++) expect((await run(made)).stdout === wanted, `${length} bytes`).toBe(true)
      }
    },
  )

  test('comes out to a reader that looks only when all has ended', async () => {
    const made = await inContainer('seq 1 3000', true)
    const running = startRun(made)
    running.child.stdout?.pause()
    await until('end', () => running.child.exitCode !== null)
    running.child.stdout?.resume()
    expect((await running.done).stdout).toBe(Array.from({ length: 3000 }, (_, i) => `${i + 1}\n`).join(''))
  })
})
