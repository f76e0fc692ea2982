/** The same program run by Node, build/davit.js: the shortest ways through. */
import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bundle } from '../support/bundle.ts'
import { type ExecOptions, exec } from '../support/exec.ts'
import { repositoryPath } from '../support/place.ts'
import { requires } from '../support/requires.ts'
import { stateRoot } from '../support/runtime.ts'
import { until } from '../support/wait.ts'

const node = (args: readonly string[], options: ExecOptions = {}) =>
  exec(process.execPath, [repositoryPath('build/davit.js'), '--root', stateRoot(), ...args], options)

describe.runIf(requires('root'))('under Node', () => {
  test('run passes output, input and exit code on', async () => {
    const made = await bundle('cat; echo hello; echo trouble >&2; exit 42')
    const result = await node(['run', '--bundle', made.path, made.id], { stdin: 'input\n' })
    expect(result).toEqual({ code: 42, signal: null, stdout: 'input\nhello\n', stderr: 'trouble\n' })
    expect(readdirSync(stateRoot())).toEqual([])
  })

  test('a container is created, started, seen, killed and deleted', async () => {
    const made = await bundle(['/bin/sleep', '1000'])
    const create = ['create', '--bundle', made.path, '--pid-file', `${made.path}/pid`, made.id]
    expect((await node(create, { output: `${made.path}/output` })).code).toBe(0)
    const state = async () => JSON.parse((await node(['state', made.id])).stdout) as { status: string; pid: number }
    expect((await state()).status).toBe('created')
    expect((await node(['start', made.id])).code).toBe(0)
    expect((await state()).status).toBe('running')
    expect((await node(['list', '--quiet'])).stdout).toBe(`${made.id}\n`)
    expect((await node(['kill', made.id, 'KILL'])).code).toBe(0)
    expect((await until('its end', async () => (await state()).status === 'stopped' && state())).pid).toBe(0)
    expect((await node(['delete', made.id])).code).toBe(0)
    expect((await node(['state', made.id])).stderr).toMatch(/does not exist/)
  })

  test('a signal is forwarded, and its death told', async () => {
    const made = await bundle((config) => {
      config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'pid')
      config.process.args = ['/bin/sh', '-c', 'kill -TERM $$; sleep 1']
    })
    expect((await node(['run', '--bundle', made.path, made.id])).code).toBe(143)
  })

  test('only the descriptors asked for are passed on', async () => {
    const made = await bundle('echo /proc/self/fd/*')
    const { stdout } = await node(['run', '--bundle', made.path, made.id], { fds: [0, 0, 0] })
    expect(stdout).toBe('/proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 /proc/self/fd/3\n')
  })

  test('a config.json that is wrong is told of in one line', async () => {
    const made = await bundle((config) => {
      config.process.args = []
    })
    const { code, stderr } = await node(['run', '--bundle', made.path, made.id])
    expect([code, stderr.trim().split('\n').length]).toEqual([1, 1])
    expect(stderr).toContain('/process/args')
  })
})
