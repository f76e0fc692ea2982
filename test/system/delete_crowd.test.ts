/** delete --force of a container whose processes take the kernel long to end, one after the other. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bundle, createStart } from '../support/bundle.ts'
import { processStatus } from '../support/kernel.ts'
import { cgroupsNamed } from '../support/leaks.ts'
import { patience } from '../support/pace.ts'
import { requires } from '../support/requires.ts'
import { davit, startDavit } from '../support/runtime.ts'
import { atEnd } from '../support/scratch.ts'
import { until } from '../support/wait.ts'

/** In ms; the second process is reaped after longer than davit waits for what does not end. */
const [FIRST, SECOND] = [6000, 12_000]

describe.runIf(requires('root'))('delete --force', () => {
  test('waits for init as long as other processes end', { timeout: patience(60_000) }, async () => {
    const made = await bundle((config) => {
      config.process.args = ['/bin/sleep', '1000']
    })
    await createStart(made)
    // The parent of a process of exec is outside: while it is stopped, its zombie keeps the pid namespace, and init.
    const parents = [1, 2].map(() => startDavit(['exec', made.id, '/bin/sleep', '1000'], { timeout: 60_000 }))
    const busy = (parent: number) => readFileSync('/proc/locks', 'utf8').includes(` ${parent} `)
    const asleep = (parent: number) => {
      const children = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim()
      return /^\d+$/.test(children) && processStatus(Number(children)).Name === 'sleep'
    }
    for (const { pid, child } of parents) {
      atEnd(() => void child.kill('SIGKILL'))
      await until('the process of exec', () => asleep(pid) && !busy(pid))
      child.kill('SIGSTOP')
    }
    const [first, second] = parents
    const clocks = [setTimeout(() => first?.child.kill('SIGCONT'), FIRST)]
    clocks.push(setTimeout(() => second?.child.kill('SIGCONT'), SECOND))
    atEnd(() => clocks.forEach(clearTimeout))
    const begun = performance.now()
    expect(await davit(['delete', '--force', made.id], { timeout: 60_000 })).toMatchObject({ code: 0, stderr: '' })
    expect(performance.now() - begun).toBeGreaterThan(SECOND - 100)
    expect(cgroupsNamed(made.id)).toEqual([])
    expect((await Promise.all(parents.map(({ done }) => done))).map(({ code }) => code)).toEqual([137, 137])
  })
})
