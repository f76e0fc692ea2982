/** The shortest way through: a container runs, says something, and leaves nothing. */
import { describe, expect, test } from 'vitest'
import { bundle, containerOutput, create, run } from '../support/bundle.ts'
import { requires } from '../support/requires.ts'
import { must, state, untilStatus } from '../support/runtime.ts'

describe.runIf(requires('root'))('hello', () => {
  test('run prints what the container prints and nothing else', async () => {
    const result = await run(await bundle('echo hello; echo trouble >&2'))
    expect(result).toEqual({ code: 0, signal: null, stdout: 'hello\n', stderr: 'trouble\n' })
  })

  test('create, start, state, delete', async () => {
    const made = await bundle('echo hello')
    await create(made)
    expect(await state(made.id)).toMatchObject({ status: 'created', bundle: made.path, rootfs: made.rootfs })
    await must(['start', made.id])
    expect(await untilStatus(made.id, 'stopped')).toMatchObject({ pid: 0 })
    expect(containerOutput(made)).toBe('hello\n')
    await must(['delete', made.id])
  })
})
