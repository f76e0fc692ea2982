/** Starting a process in another thread, and davit-init, which then waits for its plan. */
import { readdirSync, readFileSync } from 'node:fs'
import { afterEach, expect, test } from 'vitest'
import { closeFd, openFile, readBytes, statIf } from '../../src/ffi/file.ts'
import { libexecFolder } from '../../src/ffi/libexec.ts'
import { ARCH } from '../../src/ffi/native.ts'
import { emptySealable, fillSealed, memfd } from '../../src/host/memfd.ts'
import { beginLaunch, destroyChild, type Launched, waitFor } from '../../src/host/process.ts'
import { receive, send, socketPair } from '../../src/host/socket.ts'
import { NAMESPACES } from '../../src/kernel/namespaces.ts'
import { encodePlan } from '../../src/wire/encode.ts'
import { namespaceOf } from '../support/kernel.ts'
import { requires } from '../support/requires.ts'

const open: number[] = []
const keep = (fd: number) => {
  open.push(fd)
  return fd
}

afterEach(() => {
  for (const fd of open.splice(0)) closeFd(fd)
})

/** davit-init in a namespace of its own, told to run the plan of `planFd` when something comes from our end. */
function begin(planFd: number) {
  const [ours, theirs] = socketPair()
  const exe = keep(openFile(`${libexecFolder()}/davit-init`, 0))
  const begun = beginLaunch('start davit-init', {
    exe,
    args: ['davit-init', String(planFd), String(theirs)],
    env: [],
    flags: NAMESPACES.uts.flag,
    fds: [planFd, theirs].map((fd) => [fd, -1] as const),
  })
  return { ours, theirs, begun }
}

/** Its slot 0 is `peer`. */
function plan(peer: number): Uint8Array {
  const init = [{ kind: 'sync', tag: 'created', wait: false } as const]
  const whole = { parent: [], presets: [], stage: [], init, keepFds: 0, warnings: [] }
  return encodePlan(whole, new Map([[0, peer]]), ARCH).bytes
}

const codeOf = (child: Launched) => waitFor(child, 20_000)?.code

test.runIf(requires('root'))('the plan may come later than the process, which has its namespaces by then', () => {
  const planFd = keep(emptySealable('plan'))
  const { ours, theirs, begun } = begin(planFd)
  keep(ours)
  const child = begun.finish()
  keep(child.pidfd)
  expect(namespaceOf(child.pid, 'uts')).not.toBe(namespaceOf('self', 'uts'))
  fillSealed('plan', planFd, plan(theirs))
  closeFd(theirs)
  expect(waitFor(child, 100)).toBeUndefined()
  send(ours, Uint8Array.of(1), 'go')
  expect(receive(ours).message.length).toBeGreaterThan(0)
  // A plan without exec ends so.
  expect(codeOf(child)).toBe(1)
  begun.leave()
})

test.runIf(requires('root'))('whoever waits for a plan ends with its parent', () => {
  const { ours, theirs, begun } = begin(keep(emptySealable('plan')))
  const child = begun.finish()
  keep(child.pidfd)
  closeFd(theirs)
  closeFd(ours)
  expect(codeOf(child)).toBe(123)
  begun.leave()
})

test.runIf(requires('root'))(
  'the launcher stays until it may leave, so that nobody takes its end for its parent’s',
  async () => {
    const tasks = () => readdirSync('/proc/self/task')
    const before = tasks()
    const { ours, theirs, begun } = begin(keep(emptySealable('plan')))
    keep(ours)
    keep(theirs)
    const child = begun.finish()
    const [launcher, ...others] = tasks().filter((task) => !before.includes(task))
    expect(others).toEqual([])
    // KERNEL(3.5): the children of a thread, which PR_SET_PDEATHSIG goes by.
    expect(readFileSync(`/proc/self/task/${launcher}/children`, 'utf8').trim()).toBe(String(child.pid))
    const blocked = /^SigBlk:\t(.*)$/m.exec(readFileSync(`/proc/self/task/${launcher}/status`, 'utf8'))?.[1]
    // All but KILL, STOP and the two of the C library.
    expect(blocked).toBe('fffffffe7ffbfeff')
    destroyChild(child)
    begun.leave()
    await expect.poll(() => tasks()).not.toContain(launcher)
  },
)

test('the program’s path is still what it was when other strings have been made meanwhile', () => {
  const [ours, theirs] = socketPair()
  keep(ours)
  const request = {
    path: '/bin/sh',
    args: ['sh', '-c', 'printf yes >&3'],
    env: [],
    flags: 0,
    fds: [[theirs, 3]] as const,
  }
  const begun = beginLaunch('start a shell', request)
  for (const other of ['/1', '/2', '/3', '/4']) expect(statIf(other)).toBeUndefined()
  const child = begun.finish()
  keep(child.pidfd)
  closeFd(theirs)
  expect(receive(ours).message.toString()).toBe('yes')
  expect(codeOf(child)).toBe(0)
  begun.leave()
})

test.runIf(requires('root'))('the error of an exec that fails is told, and no process is left', () => {
  const children = () =>
    readdirSync('/proc/self/task').map((task) => readFileSync(`/proc/self/task/${task}/children`, 'utf8'))
  const before = children()
  const exe = keep(memfd('no program', readBytes('/proc/self/status')))
  const request = { exe, args: ['x'], env: [], flags: NAMESPACES.uts.flag, fds: [] }
  const begun = beginLaunch('start nothing', request)
  expect(begun.finish).toThrow(/^start nothing: exec format error$/)
  // Nor the thread: by count, as what a thread is called is not said.
  expect(children()).toEqual(before)
  begun.leave()
})
