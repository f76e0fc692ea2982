/** A lack of memory is told where it ends something: the limit, the peak, and the files that say so. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, createStart, run } from '../support/bundle.ts'
import { directoryOf, hierarchies } from '../support/cgroups.ts'
import { output } from '../support/exec.ts'
import { execIn } from '../support/in_container.ts'
import { requires } from '../support/requires.ts'
import { davit, must, state, untilStatus } from '../support/runtime.ts'

const MB = 1 << 20
const v1 = requires('root', 'cgroup1')
const memory = [v1, requires('root', 'cgroup2')].some(Boolean)

/** The words, with the limit as it was asked for. */
const told = (limit: number) =>
  new RegExp(
    `the kernel has killed 1 process of the container for want of memory: limit ${limit} bytes in /\\S+/memory\\.\\S+, peak (\\d+) bytes in /\\S+/memory\\.\\S+\n`,
  )

const limited = (limit: number, args: readonly string[]): Promise<Bundle> =>
  bundle((config) => {
    config.process.args = [...args]
    config.linux.resources.memory = { limit, swap: limit }
  })

describe.runIf(memory)('a lack of memory', () => {
  test.each([
    ['ends the container itself', ['/bin/probe', 'dirty', '100']],
    ['ends what a shell runs', ['/bin/sh', '-c', 'probe dirty 100; exit $?']],
  ])('%s', async (_, args) => {
    const { code, stderr } = await run(await limited(16 * MB, args))
    expect(code).toBe(137)
    expect(stderr).toMatch(told(16 * MB))
    const peak = Number(told(16 * MB).exec(stderr)?.[1])
    expect(peak).toBeGreaterThan(12 * MB)
    expect(peak).toBeLessThanOrEqual(16 * MB)
  })

  test('ends a process of exec', async () => {
    const made = await limited(24 * MB, ['/bin/sleep', '1000'])
    await createStart(made)
    expect((await execIn(made.id, 'kill -KILL $$')).stderr).toBe('')
    const { code, stderr } = await execIn(made.id, ['/bin/probe', 'dirty', '100'])
    expect([code, stderr]).toEqual([137, expect.stringMatching(told(24 * MB))])
    await must(['delete', '--force', made.id])
  })

  // As engines have it: davit has left, and whoever adopts the process learns how it ended.
  test.each([['create and start'], ['run --detach']])(
    'that ends a container of %s leaves a stopped one, as any end, with the kernel’s count in its cgroup',
    async (how) => {
      const made = await limited(16 * MB, ['/bin/sh', '-c', 'read x </fifo; exec probe dirty 100'])
      await output('mkfifo', [`${made.rootfs}/fifo`])
      const flags = ['run', '--detach', '--bundle', made.path, made.id]
      if (how === 'run --detach') await must(flags, { output: `${made.path}/output` })
      else await createStart(made)
      const { pid } = await state(made.id)
      const directory = directoryOf(pid, hierarchies().memory ? 'memory' : '')
      writeFileSync(`${made.rootfs}/fifo`, 'go\n')
      const ended = await untilStatus(made.id, 'stopped')
      expect(ended).toMatchObject({ id: made.id, pid: 0, status: 'stopped' })
      const file = hierarchies().memory ? 'memory.oom_control' : 'memory.events'
      expect(readFileSync(`${directory}/${file}`, 'utf8')).toMatch(/^oom_kill [1-9]/m)
      expect((await davit(['events', made.id])).stderr).toContain('is not running')
      expect(await davit(['delete', made.id])).toMatchObject({ code: 0, stdout: '', stderr: '' })
      expect(existsSync(directory)).toBe(false)
    },
  )

  // On v2 there is no saying whom so small a limit hits first.
  test.runIf(v1)('ends init before it is there: the error is runc’s, and says more', async () => {
    const { code, stderr } = await run(await limited(8 << 10, ['/bin/true']))
    expect(code).toBe(1)
    expect(stderr).toMatch(/container init was OOM-killed \(memory limit too low\?\): the kernel has killed 1 process/)
    expect(stderr).toMatch(/limit 8192 bytes in/)
  })

  test('is not told of an end by somebody’s hand', async () => {
    const made = await limited(16 * MB, ['/bin/sh', '-c', 'kill -KILL $$; exit 137'])
    made.configure((config) => {
      config.process.args = ['/bin/sh', '-c', 'exit 137']
    })
    expect(await run(made)).toMatchObject({ code: 137, stderr: '' })
  })
})
