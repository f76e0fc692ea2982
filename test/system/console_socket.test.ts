/** The console socket: whatever may be at its path, and whatever its listener does. */
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, create } from '../support/bundle.ts'
import { patience } from '../support/pace.ts'
import { receiveConsole, startListener } from '../support/probe.ts'
import { refused } from '../support/refusal.ts'
import { requires } from '../support/requires.ts'
import { must } from '../support/runtime.ts'
import { scratch } from '../support/scratch.ts'

const withTerminal = () =>
  bundle((config) => {
    config.process.terminal = true
    config.process.args = ['/bin/sh', '-c', 'echo here']
    config.hooks = { createRuntime: [{ path: '/bin/touch', args: ['touch', `${scratch()}/made`] }] }
  })

const made = () => existsSync(`${scratch()}/made`)

/** What `create` says to a console socket that is of no use. */
const refusal = (of: Bundle, path: string) => refused(of, { verb: 'create', args: ['--console-socket', path] })

describe.runIf(requires('root'))('a console socket', () => {
  test('that is not there, or is no socket, is refused before anything is made', async () => {
    const of = await withTerminal()
    const path = `${scratch()}/sock`
    expect(await refusal(of, path)).toBe(`console socket "${path}": open "${path}": no such file or directory`)
    expect(await refusal(of, `${path}/below`)).toMatch(/: no such file or directory$/)
    writeFileSync(path, '')
    const what = `console socket "${path}": connect "${path}": socket operation on non-socket`
    expect(await refusal(of, path)).toBe(what)
    expect(await refusal(of, scratch())).toMatch(/: socket operation on non-socket$/)
    expect(made()).toBe(false)
  })

  test('whose listener has ended, or is of another type, is refused before anything is made', async () => {
    const of = await withTerminal()
    const path = `${scratch()}/sock`
    await (await startListener(['peer', 'gone', path])).done
    expect(await refusal(of, path)).toBe(`console socket "${path}": connect "${path}": connection refused`)
    await startListener(['peer', 'datagram', `${path}2`])
    expect(await refusal(of, `${path}2`)).toMatch(/: protocol wrong type for socket$/)
    expect(made()).toBe(false)
  })

  test('that has no room for another connection is waited for, but not for ever', {
    timeout: patience(40_000),
  }, async () => {
    const of = await withTerminal()
    const path = `${scratch()}/sock`
    await startListener(['peer', 'full', path], 'full')
    const from = Date.now()
    expect(await refusal(of, path)).toMatch(/: resource temporarily unavailable$/)
    expect(Date.now() - from).toBeGreaterThan(9_000)
    expect(made()).toBe(false)
  })

  test('that closes the connection at once undoes the container', async () => {
    const of = await withTerminal()
    await startListener(['peer', 'rude', `${scratch()}/rude`])
    expect(await refusal(of, `${scratch()}/rude`)).toBe('console socket: send the terminal: broken pipe')
  })

  test('that never accepts has the terminal waiting for it', async () => {
    const of = await withTerminal()
    await startListener(['peer', 'deaf', `${scratch()}/deaf`])
    await create(of, { args: ['--console-socket', `${scratch()}/deaf`] })
    await must(['delete', '--force', of.id])
  })

  test.each([
    ['a short path with a name as long as can be', (dir: string) => `${dir}/${'n'.repeat(107 - dir.length - 1)}`],
    ['a long path with a name as long as can be', (dir: string) => `${dir}/${'d'.repeat(200)}/${'n'.repeat(107)}`],
    ['a path through a link', (dir: string) => `${dir}/link/sock`],
    ['a path with odd bytes', (dir: string) => `${dir}/ö "x\n/sö ck`],
  ])('may have %s', async (_, pathIn) => {
    const of = await withTerminal()
    mkdirSync(`${scratch()}/real`)
    symlinkSync('real', `${scratch()}/link`)
    const path = pathIn(scratch())
    mkdirSync(path.slice(0, path.lastIndexOf('/')), { recursive: true })
    const receiver = await receiveConsole(path)
    await create(of, { args: ['--console-socket', path] })
    await must(['start', of.id])
    await receiver.done
    expect(receiver.stdout()).toMatch(/\nhere\r\n$/)
  })

  test('gets the terminal alone: one message, one fd, and the end', async () => {
    const of = await withTerminal()
    const receiver = await receiveConsole(`${scratch()}/sock`)
    await create(of, { args: ['--console-socket', `${scratch()}/sock`] })
    expect(receiver.stdout()).toBe('listening\nconsole /dev/ptmx 0x0 end\n')
    await must(['delete', '--force', of.id])
  })
})
