/** The kernel refuses a system call of create or exec for want of something: it fails clean, or works all the same. */
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Accident, accident, nothingLeft, recovers } from '../support/accident.ts'
import { bundle, createStart } from '../support/bundle.ts'
import { exec } from '../support/exec.ts'
import { outputIn } from '../support/in_container.ts'
import { processesNaming } from '../support/leaks.ts'
import { RUNTIME } from '../support/place.ts'
import { command, requires } from '../support/requires.ts'
import { must, state, stateRoot } from '../support/runtime.ts'

const applets = ['sh', 'sleep', 'true', 'cat']

type Lack = readonly [call: string, error: string, when: Accident['when'], children?: boolean]

/** In the runtime itself, and (`true`) in the processes that it makes. */
const BOTH: readonly Lack[] = [
  ['memfd_create', 'EMFILE', 1],
  ['memfd_create', 'ENOMEM', 1],
  ['clone3', 'ENOMEM', 1],
  ['clone3', 'EAGAIN', 1],
  ['socketpair', 'EMFILE', 1],
  ['recvmsg', 'EINTR', 1],
  ['recvmsg', 'ENOMEM', 1],
  ['sendto', 'ENOMEM', 1],
  ['openat', 'EMFILE', 34],
  ['openat', 'EMFILE', 40],
  ['openat', 'ENOMEM', 46],
  ['setgroups', 'ENOMEM', 1, true],
  ['setresuid', 'ENOMEM', 1, true],
  ['capset', 'ENOMEM', 1, true],
  ['sendmsg', 'ENOMEM', 1, true],
  // In the thread that makes the namespaces, too.
  ['clone3', 'ENOMEM', '1+', true],
  ['clone3', 'EAGAIN', '1+', true],
  ['execveat', 'ENOMEM', 1, true],
]

const CREATE: readonly Lack[] = [
  ...BOTH,
  ['mkdirat', 'ENOSPC', 1],
  ['flock', 'EINTR', 1],
  ['write', 'ENOSPC', 1],
  ['write', 'EINTR', 1],
  ['renameat2', 'ENOSPC', 1],
  ['listen', 'ENOMEM', 1],
  ['fsopen', 'EMFILE', 1, true],
  ['fsmount', 'ENOMEM', 2, true],
  ['open_tree', 'ENOMEM', 1, true],
  ['move_mount', 'ENOMEM', 3, true],
  ['mknodat', 'ENOSPC', 1, true],
  ['pivot_root', 'ENOMEM', 1, true],
  ['openat2', 'EMFILE', 2, true],
]

const cases = (list: readonly Lack[]) =>
  list.map(([call, error, when, children = false]) => ({ call, what: `error=${error}`, when, children, error }))

/** One line at most, with no trace of a bug of ours in it. */
function clean(said: string): void {
  expect(said).not.toMatch(/\bbug:|\n +at |undefined/)
}

describe.runIf(requires('root', command('strace')))('a lack at a system call of', () => {
  test.each(cases(CREATE))('create: $call $error $when', async (each: Accident) => {
    mkdirSync(stateRoot(), { recursive: true })
    const made = await bundle(['sleep', '600'], { applets })
    const said = `${made.path}/said`
    const { code } = await accident(each, ['create', '--bundle', made.path, made.id], said)
    clean(readFileSync(said, 'utf8'))
    if (code === 0) {
      await must(['start', made.id])
      expect(await outputIn(made.id, 'echo fine')).toBe('fine\n')
    } else await nothingLeft(made)
    await recovers(made)
  })

  test('exec: each of them', async () => {
    const made = await bundle(['sleep', '600'], { applets })
    const { pid } = await createStart(made)
    const said = `${made.path}/said`
    for (const each of cases(BOTH)) {
      writeFileSync(said, '')
      const { code } = await accident(each, ['exec', made.id, 'sh', '-c', 'echo fine'], said)
      if (code === 0) expect(readFileSync(said, 'utf8')).toBe('fine\n')
      else clean(readFileSync(said, 'utf8'))
      expect(await state(made.id)).toMatchObject({ status: 'running', pid })
      expect(await processesOf(made.id)).toEqual([pid])
    }
    expect(await outputIn(made.id, 'echo again')).toBe('again\n')
    expect((await processesNaming(made.path, [])).length).toBe(0)
  })
})

test.runIf(requires('root', 'cgroup1'))('a limit of processes that has room for davit and init only', async () => {
  const made = await bundle(['true'], { applets })
  const limited = `/sys/fs/cgroup/pids/${made.id}-caller`
  mkdirSync(limited)
  try {
    writeFileSync(`${limited}/pids.max`, '2')
    const line = ['--root', stateRoot(), 'run', '--bundle', made.path, made.id]
    const enter = ['-c', 'echo $$ >"$0"/cgroup.procs && exec "$@"', limited, RUNTIME, ...line]
    expect(await exec('sh', enter)).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })
  } finally {
    rmdirSync(limited)
  }
})

async function processesOf(id: string): Promise<number[]> {
  return JSON.parse(await must(['ps', '--format', 'json', id])) as number[]
}
