/** --pidfd-socket and run.oci.pidfd_receiver: who listens gets a pidfd of the container's first process. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bundle, create, createStart, startRun } from '../support/bundle.ts'
import { startListener } from '../support/probe.ts'
import { refused } from '../support/refusal.ts'
import { requires } from '../support/requires.ts'
import { davit, must, startDavit, state, untilStatus } from '../support/runtime.ts'
import { scratch } from '../support/scratch.ts'
import { until } from '../support/wait.ts'

const received = (running: { stdout(): string }) => until('pidfd', () => /^pidfd .*$/m.exec(running.stdout())?.[0])

describe.runIf(requires('root'))('a pidfd by socket', () => {
  test('is of the first process, and can kill what is only created', async () => {
    const made = await bundle(['/bin/sleep', '1000'])
    const receiver = await startListener(['pidfd', `${made.path}/pidfd`])
    await create(made, { args: ['--pidfd-socket', `${made.path}/pidfd`] })
    const { pid } = await state(made.id)
    // runc's text, one fd, and then the end: no fd of ours stays behind.
    expect(await received(receiver)).toBe(`pidfd standard ${pid} end`)
    receiver.write('9\n')
    await untilStatus(made.id, 'stopped')
  })

  test('of a foreground run signals the same process', async () => {
    const made = await bundle('trap "exit 6" USR1; echo ready; while :; do sleep 0.02; done')
    const receiver = await startListener(['pidfd', `${made.path}/pidfd`])
    const running = startRun(made, { args: ['--pidfd-socket', `${made.path}/pidfd`, '--pid-file', `${made.path}/pid`] })
    await received(receiver)
    await until('ready', () => running.stdout() === 'ready\n')
    expect(await received(receiver)).toBe(`pidfd standard ${(await state(made.id)).pid} end`)
    receiver.write('10\n')
    expect((await running.done).code).toBe(6)
  })

  test('is that of the process itself, not of the stage before it', async () => {
    const made = await bundle((config) => {
      config.process.args = ['/bin/sleep', '1000']
      config.linux.namespaces.push({ type: 'user' })
      config.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 1000 }]
      config.linux.gidMappings = [{ containerID: 0, hostID: 0, size: 1000 }]
    })
    const receiver = await startListener(['pidfd', `${made.path}/pidfd`])
    await create(made, { args: ['--pidfd-socket', `${made.path}/pidfd`] })
    expect(await received(receiver)).toBe(`pidfd standard ${(await state(made.id)).pid} end`)
  })

  test('goes to the receiver of the annotation, too', async () => {
    const made = await bundle(['/bin/sleep', '1000'])
    made.configure((config) => {
      config.annotations = { 'run.oci.pidfd_receiver': `${made.path}/annotated` }
    })
    const receivers = [
      await startListener(['pidfd', `${made.path}/annotated`]),
      await startListener(['pidfd', `${made.path}/flag`]),
    ]
    await create(made, { args: ['--pidfd-socket', `${made.path}/flag`] })
    const { pid } = await state(made.id)
    for (const each of receivers) expect(await received(each)).toBe(`pidfd standard ${pid} end`)
    await must(['delete', '--force', made.id])
  })

  test('of exec is of the process of exec, and can kill that alone', async () => {
    const made = await bundle(['/bin/sleep', '1000'])
    await createStart(made)
    const receiver = await startListener(['pidfd', `${made.path}/pidfd`])
    const flags = ['--pidfd-socket', `${made.path}/pidfd`, '--pid-file', `${made.path}/pid`]
    const running = startDavit(['exec', ...flags, made.id, 'sleep', '1000'])
    // runc's text for a process that enters.
    const said = await received(receiver)
    expect(said).toBe(`pidfd setns ${readFileSync(`${made.path}/pid`, 'utf8')} end`)
    receiver.write('15\n')
    expect((await running.done).code).toBe(143)
    expect((await state(made.id)).status).toBe('running')
  })

  test('of exec that nobody is there to get is refused, and nothing is run', async () => {
    const made = await bundle(['/bin/sleep', '1000'])
    await createStart(made)
    const { code, stderr } = await davit(['exec', '--pidfd-socket', `${scratch()}/none`, made.id, 'touch', '/tmp/ran'])
    expect([code, stderr]).toEqual([
      255,
      `davit: exec failed: pidfd socket "${scratch()}/none": open "${scratch()}/none": no such file or directory\n`,
    ])
    expect(existsSync(`${made.rootfs}/tmp/ran`)).toBe(false)
  })

  test('is refused before anything is made when nobody is there to get it', async () => {
    const made = await bundle('touch /tmp/ran')
    const path = `${scratch()}/sock`
    const args = ['--pidfd-socket', path]
    expect(await refused(made, { args })).toBe(`pidfd socket "${path}": open "${path}": no such file or directory`)
    writeFileSync(path, '')
    expect(await refused(made, { args })).toBe(
      `pidfd socket "${path}": connect "${path}": socket operation on non-socket`,
    )
    await (await startListener(['peer', 'gone', `${path}2`])).done
    expect(await refused(made, { args: ['--pidfd-socket', `${path}2`], verb: 'create' })).toMatch(
      /: connection refused$/,
    )
    expect(existsSync(`${made.rootfs}/tmp/ran`)).toBe(false)
  })

  test('that nobody takes undoes the container', async () => {
    const made = await bundle(['/bin/sleep', '1000'])
    await startListener(['peer', 'rude', `${scratch()}/rude`])
    const said = await refused(made, { args: ['--pidfd-socket', `${scratch()}/rude`], verb: 'create' })
    expect(said).toBe(`pidfd socket "${scratch()}/rude": send the pidfd: broken pipe`)
  })
})
