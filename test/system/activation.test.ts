/** Socket activation: sockets that a service manager has opened go on to the container's first process. */
import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { bundle, create, run } from '../support/bundle.ts'
import { type Result, start } from '../support/exec.ts'
import { RUNTIME } from '../support/place.ts'
import { probePath } from '../support/probe.ts'
import { requires } from '../support/requires.ts'
import { must, stateRoot } from '../support/runtime.ts'
import { scratch } from '../support/scratch.ts'
import { until } from '../support/wait.ts'

/** What the container shows of its fds and the variables. */
const SHOW = 'for i in /proc/self/fd/*; do echo "${i##*/} $(readlink $i)"; done; env | grep ^LISTEN_ | sort'

/** Runs a shell line with so many sockets, meant for it itself (pid 0) or for another process. */
async function activated(count: number, line: string, pid = 0): Promise<Result> {
  return start(await probePath(), ['activate', scratch(), `${count}`, `${pid}`, 'sh', '-c', line]).done
}

const LINE = (path: string, id: string, args = '') =>
  `exec ${RUNTIME} --root ${stateRoot()} run ${args} --bundle ${path} ${id}`

/** Numbers and targets of the container's fds but its streams, which may be sockets, too. */
function fds({ stdout }: Result): [fd: number, target: string][] {
  const lines = stdout.split('\n').flatMap((line) => {
    const [, fd = '', target = ''] = /^(\d+) (.+)$/.exec(line) ?? []
    return Number(fd) > 2 ? [[Number(fd), target] as [number, string]] : []
  })
  return lines.sort(([a], [b]) => a - b)
}

const sockets = (result: Result) => fds(result).flatMap(([fd, target]) => (target.includes('socket:') ? [fd] : []))
const variables = ({ stdout }: Result) => stdout.split('\n').filter((line) => line.startsWith('LISTEN_'))

/** What the listener at this path says. */
function ask(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect(path, () => {})
    socket.on('data', (data) => {
      text += data
    })
    socket.on('end', () => resolve(text))
    socket.on('error', reject)
  })
}

describe.runIf(requires('root'))('sockets of a service manager', () => {
  test.each([1, 3, 10])(
    '%i come as fds from 3 on, with their number, the container’s pid and their names',
    async (count) => {
      const made = await bundle(SHOW)
      const result = await activated(count, `${LINE(made.path, made.id)} </dev/null 2>&1`)
      expect(result.code).toBe(0)
      expect(sockets(result)).toEqual(Array.from({ length: count }, (_, i) => 3 + i))
      const names = Array.from({ length: count }, (_, i) => `name${i}`).join(':')
      expect(variables(result)).toEqual([`LISTEN_FDNAMES=${names}`, `LISTEN_FDS=${count}`, 'LISTEN_PID=1'])
    },
  )

  test('replace what the configuration says', async () => {
    const made = await bundle((config) => {
      config.process.args = ['/bin/sh', '-c', SHOW]
      config.process.env.push('LISTEN_FDS=7', 'LISTEN_PID=12', 'LISTEN_FDNAMES=x', 'LISTEN_FDS_OTHER=kept')
    })
    const result = await activated(1, `${LINE(made.path, made.id)} </dev/null 2>&1`)
    expect(variables(result)).toEqual(['LISTEN_FDNAMES=name0', 'LISTEN_FDS=1', 'LISTEN_FDS_OTHER=kept', 'LISTEN_PID=1'])
  })

  test('can be served by the container', async () => {
    const made = await bundle(['/bin/probe', 'serve', '4', 'from the container'])
    const running = activated(2, `${LINE(made.path, made.id)} </dev/null 2>&1`)
    expect(await until('answer', () => ask(`${scratch()}/1`).catch(() => undefined))).toBe('from the container')
    expect((await running).code).toBe(0)
  })

  test('come before preserved fds', async () => {
    const made = await bundle(`${SHOW}; cat <&5`)
    const line = `exec 5<<END 6</dev/null\npreserved\nEND\n${LINE(made.path, made.id, '--preserve-fds 1')} </dev/null 2>&1`
    const result = await activated(2, line)
    expect(sockets(result)).toEqual([3, 4])
    expect(result.stdout).toMatch(/\npreserved\n$/)
    expect(fds(result).map(([fd]) => fd)).not.toContain(6)
  })

  test('that were meant for another process are not handed on', async () => {
    const made = await bundle(SHOW)
    const result = await activated(2, `${LINE(made.path, made.id)} </dev/null 2>&1`, 1)
    expect([result.code, sockets(result), variables(result)]).toEqual([0, [], []])
  })

  test.each(['0', '-1', 'x', '', '1.5'])('%o of them are none', async (count) => {
    const made = await bundle(SHOW)
    const line = `LISTEN_PID=$$ LISTEN_FDS=${count} LISTEN_FDNAMES=a ${LINE(made.path, made.id)} </dev/null 2>&1`
    const result = await start('sh', ['-c', line]).done
    expect([result.code, sockets(result), variables(result)]).toEqual([0, [], []])
  })

  test('must be open', async () => {
    const made = await bundle(SHOW)
    const line = `LISTEN_PID=$$ LISTEN_FDS=3 ${LINE(made.path, made.id)} </dev/null 2>&1 3</dev/null 4</dev/null`
    const result = await start('sh', ['-c', line]).done
    expect([result.code, result.stdout]).toEqual([
      1,
      'davit: please check that socket 5 (of 3, LISTEN_FDS) is present: bad file descriptor\n',
    ])
  })

  test('go with create to what start begins', async () => {
    const made = await bundle(['/bin/probe', 'serve', '3', 'started'])
    const { code } = await activated(
      1,
      `exec ${RUNTIME} --root ${stateRoot()} create --bundle ${made.path} ${made.id} </dev/null >/dev/null 2>&1`,
    )
    expect(code).toBe(0)
    await must(['start', made.id])
    expect(await ask(`${scratch()}/0`)).toBe('started')
  })

  test('are closed when the container has ended', async () => {
    const made = await bundle(['/bin/true'])
    await activated(1, `${LINE(made.path, made.id)} </dev/null 2>&1`)
    await expect(ask(`${scratch()}/0`)).rejects.toThrow(/ECONNREFUSED/)
  })

  test('are only there when asked for', async () => {
    const made = await bundle(SHOW)
    expect(variables(await run(made))).toEqual([])
    await create(await bundle(['/bin/true']))
  })
})
