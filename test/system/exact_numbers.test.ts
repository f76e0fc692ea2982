/** Numbers of 64 bits reach the kernel with all their digits, of which a double has 53 bits. */
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bundle, type Config, createStart, run } from '../support/bundle.ts'
import { value } from '../support/cgroups.ts'
import { requires } from '../support/requires.ts'
import { davit, must, stateRoot } from '../support/runtime.ts'
import { scratch } from '../support/scratch.ts'

const ODD = 2n ** 53n + 1n
const HIGH = 2n ** 63n + 1n

const limits = (soft: bigint, hard: bigint) => (config: Config) => {
  config.process.rlimits = [{ type: 'RLIMIT_FSIZE', soft, hard }]
}

describe.runIf(requires('root'))('numbers beyond 2^53', () => {
  test('limits of the process, those of exec, and of one that is described by a file', async () => {
    const made = await bundle((config) => {
      limits(ODD, HIGH)(config)
      config.process.args = ['/bin/sleep', '1000']
    })
    const { pid } = await createStart(made)
    const line = (soft: bigint, hard: bigint) => new RegExp(`^Max file size +${soft} +${hard} +bytes`, 'm')
    expect(readFileSync(`/proc/${pid}/limits`, 'utf8')).toMatch(line(ODD, HIGH))
    expect(await must(['exec', made.id, 'cat', '/proc/self/limits'])).toMatch(line(ODD, HIGH))
    const file = `${scratch()}/process.json`
    const rlimits = `[{"type":"RLIMIT_FSIZE","soft":${ODD + 2n},"hard":${HIGH - 2n}}]`
    writeFileSync(file, `{"args":["cat","/proc/self/limits"],"cwd":"/","env":["PATH=/bin"],"rlimits":${rlimits}}`)
    expect(await must(['exec', '--process', file, made.id])).toMatch(line(ODD + 2n, HIGH - 2n))
  })

  test('what two numbers say of each other is said of the exact ones', async () => {
    const made = await bundle(limits(ODD + 1n, ODD))
    const { code, stderr } = await run(made)
    expect(code).not.toBe(0)
    expect(stderr).toContain(`/process/rlimits/0/soft: the soft limit ${ODD + 1n} is above the hard limit ${ODD}`)
  })

  test('what is out of range is refused by its digits, by all that read a configuration', async () => {
    const made = await bundle(limits(1n, 2n ** 64n))
    const said = `/process/rlimits/0/hard: expected an integer from 0 to 2^64-1, got ${2n ** 64n}`
    expect((await run(made)).stderr).toContain(said)
    const validated = await davit(['validate', '--bundle', made.path])
    expect(validated.code).toBe(1)
    expect(validated.stdout).toContain(`got ${2n ** 64n}`)
    writeFileSync(
      `${made.path}/config.json`,
      readFileSync(`${made.path}/config.json`, 'utf8').replace(`${2n ** 64n}`, '1e19'),
    )
    expect((await run(made)).stderr).toContain('got 10000000000000000000, which is not written as an integer')
  })
})

describe.runIf(requires('root', 'cgroup1'))('update', () => {
  test('of a rate and of a number that the next update keeps', async () => {
    const made = await bundle((config) => {
      config.process.args = ['/bin/sleep', '1000']
    })
    const { pid } = await createStart(made)
    const update = (request: string) => davit(['update', '--resources', '-', made.id], { stdin: request })
    const rate = `{"blockIO":{"throttleReadBpsDevice":[{"major":7,"minor":0,"rate":${ODD}}]}}`
    expect(await update(rate)).toMatchObject({ code: 0, stderr: '' })
    expect(value(pid, 'blkio', 'blkio.throttle.read_bps_device')).toBe(`7:0 ${ODD}`)
    expect(await update('{"pids":{"limit":77}}')).toMatchObject({ code: 0, stderr: '' })
    expect(readFileSync(`${stateRoot()}/${made.id}/state.json`, 'utf8')).toContain(`"rate":${ODD}`)
    expect(value(pid, 'blkio', 'blkio.throttle.read_bps_device')).toBe(`7:0 ${ODD}`)
    expect(await update(rate.replace(`${ODD}`, `${2n ** 64n}`))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`/blockIO/throttleReadBpsDevice/0/rate: expected an integer from 0 to 2^64-1`),
    })
    // Refused by the kernel with its digits, not rounded before.
    const { stderr } = await davit(['update', '--cpu-quota', `${ODD}`, made.id])
    expect(stderr).toMatch(new RegExp(`set cpu.cfs_quota_us to ${ODD} in .*: invalid argument`))
  })
})
