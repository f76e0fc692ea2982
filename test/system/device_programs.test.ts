/** Device programs of cgroup v2 are exchanged as a whole, or not at all. */
import { mkdirSync, readdirSync, rmdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { closeFd, openFile } from '../../src/ffi/file.ts'
import { exchangePrograms, loadDeviceProgram, replaceDevices } from '../../src/host/cgroup/devices.ts'
import { gatherCgroupFacts } from '../../src/host/cgroup/facts.ts'
import { O_DIRECTORY } from '../../src/kernel/files.ts'
import { planCgroup } from '../../src/plan/cgroup/plan.ts'
import { hierarchies } from '../support/cgroups.ts'
import { output, start } from '../support/exec.ts'
import { probePath } from '../support/probe.ts'
import { command, requires } from '../support/requires.ts'
import { atEnd } from '../support/scratch.ts'
import { until } from '../support/wait.ts'

const mount = hierarchies()['']

/** An empty cgroup, a program that fits it, and how many it has. */
function place() {
  const path = `${mount}/davit-devices-${process.pid}`
  mkdirSync(path)
  atEnd(() => rmdirSync(path))
  const { devices } = planCgroup({ id: 'x', resources: {}, facts: { ...gatherCgroupFacts(), v1: [] }, rootless: false })
  const program = { dir: path, instructions: devices?.instructions ?? [] }
  const count = async () => Number(await output(await probePath(), ['programs', path]))
  return { path, program, count }
}

describe.runIf(requires('root', command('busybox')) && mount !== undefined)('device programs', () => {
  test('are as before when one of the old ones cannot be taken off', async () => {
    const { path, program, count } = place()
    const dir = openFile(path, O_DIRECTORY)
    const [one, two, stranger, fresh] = [0, 1, 2, 3].map(() => loadDeviceProgram(program)) as [
      number,
      number,
      number,
      number,
    ]
    atEnd(() => [dir, one, two, stranger, fresh].forEach(closeFd))
    exchangePrograms(dir, [], one)
    exchangePrograms(dir, [], two)
    expect(await count()).toBe(2)
    expect(() => exchangePrograms(dir, [one, stranger, two], fresh)).toThrow(
      /BPF_PROG_DETACH, device filter\): no such file/,
    )
    expect(await count()).toBe(2)
    // It is these two, and not the new one.
    exchangePrograms(dir, [one, two], undefined)
    expect(await count()).toBe(0)
  })

  test('are replaced again and again, one by one, without an fd left', async () => {
    const { path, program, count } = place()
    replaceDevices(path, program)
    const before = readdirSync('/proc/self/fd').length
    for (let i = 0; i < 200; i++) replaceDevices(path, program)
    expect(readdirSync('/proc/self/fd').length).toBe(before)
    expect(await count()).toBe(1)
    replaceDevices(path, undefined)
    expect(await count()).toBe(0)
  })

  // KERNEL: the verifier gives up with EAGAIN when it sees a signal.
  test('are loaded whatever signals come meanwhile', async () => {
    const { program } = place()
    let heard = 0
    const hear = () => void heard++
    process.on('SIGURG', hear)
    const sender = start('busybox', ['sh', '-c', `while kill -URG ${process.pid}; do usleep 100; done`])
    atEnd(async () => {
      sender.child.kill('SIGKILL')
      await sender.done
      process.off('SIGURG', hear)
    })
    await until('a signal', () => heard > 0)
    // An emulated guest has hardly any time for anything but the signals.
    const end = Date.now() + 10_000
    for (let i = 0; i < 500 && Date.now() < end; i++) closeFd(loadDeviceProgram(program))
  })
})
