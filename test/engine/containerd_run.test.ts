/** `ctr run`: a container from its start to its end, its streams, its exit code, and what containerd says of failures. */
import { rmSync, statSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../support/wait.ts'
import { type Containerd, canContainerd, startContainerd } from './support/containerd.ts'
import {
  baseline,
  detached,
  LINGER,
  leftSinceThen,
  newId,
  removeAll,
  run,
  runOnTerminal,
  startRun,
  taskStatus,
} from './support/ctr.ts'
import type { Snapshot } from './support/leftovers.ts'
import { languages, snippets } from './support/page.ts'

describe.runIf(canContainerd())('ctr run', () => {
  let containerd: Containerd
  let before: Snapshot
  beforeAll(async () => {
    containerd = await startContainerd()
    before = await baseline(containerd)
  })
  afterEach(() => removeAll(containerd))
  afterAll(() => containerd?.close())

  test.each([
    ['exit 0', 0],
    ['exit 9', 9],
    ['exit 255', 255],
    ['kill -TERM $$; sleep 5', 143],
    ['kill -KILL $$; sleep 5', 137],
  ])('passes on the streams and the end of: %s', async (script, code) => {
    // The first process of a pid namespace gets no signal from inside, so a shell below it does.
    const result = await run(containerd, `echo out; echo err >&2; sh -c '${script}'; code=$?; ${LINGER}; exit $code`)
    expect(result).toMatchObject({ code, stdout: 'out\n' })
    expect(result.stderr).toMatch(/^err\n/)
  })

  test('gives the container the input, up to its end', async () => {
    const text = `${'0123456789abcdef'.repeat(64)}\n`.repeat(20_480)
    const running = startRun(containerd, `echo ready; wc; ${LINGER}`)
    // An end that comes before the start gets lost in this ctr.
    await until('ready', () => running.stdout() === 'ready\n')
    running.write(text)
    running.closeInput()
    expect((await running.done).stdout.replace(/ +/g, ' ')).toBe(`ready\n 20480 20480 ${text.length}\n`)
  })

  test('has the whole output of containers that end at once', async () => {
    const log = `${containerd.host.directory}/output`
    for (const size of [1, 1, 1, 1, 1, 65_537, 20_000_000]) {
      const flags = ['--log-uri', `file://${log}`]
      const { code } = await run(containerd, ['head', '-c', `${size}`, '/dev/zero'], { flags })
      expect({ code, size: statSync(log).size }).toEqual({ code: 0, size })
      rmSync(log)
    }
  })

  test('runs on a terminal of the size of the caller’s, and follows it', async () => {
    const running = await runOnTerminal(
      containerd,
      `tty; until stty size 2>/dev/null | grep -q "24 80"; do sleep 0.02; done; read line; echo "got $line"; trap "stty size; ${LINGER}; exit 7" WINCH; echo waiting; while :; do sleep 0.05; done`,
    )
    await until('the start', () => running.stdout().includes('/dev/pts/0'))
    running.write('hello\r')
    await until('waiting', () => running.stdout().includes('waiting'))
    // The probe is a child of what enters the host.
    await containerd.host.exec('pkill', ['-USR1', '-x', 'probe'])
    expect((await running.done).stderr).toMatch(/\nend 7\n$/)
    expect(running.stdout().replaceAll('\r', '')).toBe('/dev/pts/0\nhello\ngot hello\nwaiting\n50 132\n')
  })

  test('hands signals of ctr to the container', async () => {
    const running = startRun(
      containerd,
      `trap "echo got; ${LINGER}; exit 5" TERM; echo ready; while :; do sleep 0.05; done`,
    )
    await until('ready', () => running.stdout() === 'ready\n')
    await containerd.host.exec('pkill', ['-TERM', '-x', 'ctr'])
    expect(await running.done).toMatchObject({ code: 5, stdout: 'ready\ngot\n' })
  })

  test.each([
    [['/nope'], /failed to create (shim )?task: OCI runtime create failed: .*\/nope.*no such file or directory/],
    [['nope'], /exec: "?nope"?: executable file not found in \$PATH/],
    [['/etc/passwd'], /\/etc\/passwd.*permission denied/],
  ])('says what is wrong with %s', async (line, words) => {
    const { code, stdout, stderr } = await run(containerd, line)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(words)
  })

  test('takes ids of all kinds', async () => {
    for (const id of ['0', 'a.b_c-d', 'A1', `x${'y'.repeat(75)}`]) {
      await detached(containerd, 'sleep 1000', { id })
      expect(await taskStatus(containerd, id)).toBe('RUNNING')
    }
  })

  test('refuses a second container of one id, and the first goes on', async () => {
    const { id } = await detached(containerd, 'sleep 1000')
    expect((await run(containerd, 'true', { id })).stderr).toMatch(/already exists/)
    expect(await taskStatus(containerd, id)).toBe('RUNNING')
  })

  test('runs many at once', async () => {
    const ids = Array.from({ length: 16 }, newId)
    const results = await Promise.all(ids.map((id) => run(containerd, `echo ${id}; ${LINGER}; exit 3`, { id })))
    expect(results.map(({ code, stdout }) => `${code} ${stdout}`)).toEqual(ids.map((id) => `3 ${id}\n`))
  })

  test('the page has no other blocks than what the tests use', () => {
    expect(languages('containerd')).toEqual(['sh', 'sh', 'sh', 'toml', 'toml', 'toml'])
  })

  // containerd_systemd.test.ts has the others.
  const everywhere = snippets('containerd', 'sh').filter((text) => !text.includes('systemd'))
  test.each(everywhere.map((text) => [text.trim().split('\n').at(-1), text]))(
    'the page’s commands work: … %s',
    async (_, text) => {
      const env = { CONTAINERD_ADDRESS: containerd.socket }
      const { code, stdout, stderr } = await containerd.host.exec('bash', ['-euc', text], { env })
      expect({ code, stderr: code === 0 ? '' : stderr + stdout }).toEqual({ code: 0, stderr: '' })
    },
  )

  test('has left nothing', async () => {
    expect(await leftSinceThen(containerd, before)).toEqual([])
  })
})
