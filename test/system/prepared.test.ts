/** What `create` prepares of `start` and `delete`: run without the engine where a container is ordinary, by it otherwise. */
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, type Config, create } from '../support/bundle.ts'
import { exec } from '../support/exec.ts'
import { cgroupsNamed } from '../support/leaks.ts'
import { IS_REFERENCE, RUNTIME } from '../support/place.ts'
import { command, requires } from '../support/requires.ts'
import { must, state, stateRoot, untilStatus } from '../support/runtime.ts'
import { scratch } from '../support/scratch.ts'
import { ALONE, executed, traced, tracing, WITH_ENGINE } from '../support/traced.ts'

const SLEEP = ['/bin/sleep', '1000']
const folder = (id: string) => `${stateRoot()}/${id}`
const prepared = (id: string) => `${folder(id)}/prepared`

async function created(change: (config: Config) => void = () => {}): Promise<Bundle> {
  const made = await bundle((config) => {
    config.process.args = SLEEP
    change(config)
  })
  await create(made)
  return made
}

/** Kills the container and waits until whoever has its init as a child has taken note of that. */
async function end({ id }: Bundle): Promise<void> {
  await must(['kill', id, 'KILL'])
  await untilStatus(id, 'stopped')
}

describe.runIf(requires('root', command('strace'), command('unshare')) && !IS_REFERENCE)(
  'an ordinary container',
  () => {
    test('is started and deleted without the engine', async () => {
      const made = await bundle((config) => {
        config.process.args = ['/bin/sh', '-c', 'echo started']
      })
      // A process 1 that takes note of all that end, as the shim of an engine does.
      const davitLine = `${RUNTIME} --root ${stateRoot()}`
      const script = `set -e
      ${davitLine} create --bundle ${made.path} ${made.id} >${scratch()}/said
      ${tracing(`${scratch()}/start`).join(' ')} ${davitLine} --log ${scratch()}/log --log-format json start ${made.id}
      while ${davitLine} state ${made.id} | grep -q running; do sleep 0.1; done
      sleep 0.1
      ${tracing(`${scratch()}/delete`).join(' ')} ${davitLine} delete ${made.id}`
      const { code, stderr } = await exec('unshare', ['--pid', '--fork', '--mount-proc', 'sh', '-c', script])
      expect([stderr, code]).toEqual(['', 0])
      expect(executed(`${scratch()}/start`)).toEqual(ALONE)
      expect(executed(`${scratch()}/delete`)).toEqual(ALONE)
      expect(readFileSync(`${scratch()}/said`, 'utf8')).toBe('started\n')
      expect(readFileSync(`${scratch()}/log`, 'utf8')).toBe('')
      expect(readdirSync(stateRoot())).toEqual([])
      expect(cgroupsNamed(made.id)).toEqual([])
    })

    test('whose delete is killed at any step can be deleted again', async () => {
      const made = await bundle(['/bin/true'])
      const davitLine = `${RUNTIME} --root ${stateRoot()}`
      // Killed at the nth removal, of cgroups first, of the state last; 0 when there are not so many.
      const script = `set -e
      n=1
      while :; do
        ${davitLine} create --bundle ${made.path} ${made.id} >/dev/null
        ${davitLine} start ${made.id}
        while ${davitLine} state ${made.id} | grep -q running; do sleep 0.1; done
        sleep 0.1
        if strace -qq -o ${scratch()}/trace -e inject=unlinkat:signal=KILL:when=$n ${davitLine} delete ${made.id} 2>/dev/null
        then break; fi
        [ -e ${stateRoot()}/${made.id} ] || echo $n
        ${davitLine} delete --force ${made.id}
        n=$((n + 1))
      done
      echo kills $n`
      const { code, stdout, stderr } = await exec('unshare', ['--pid', '--fork', '--mount-proc', 'sh', '-c', script], {
        timeout: 60_000,
      })
      expect([stderr, code]).toEqual(['', 0])
      // At a cgroup at least, the four files and the directory.
      expect(Number(/^kills (\d+)\n$/.exec(stdout)?.[1])).toBeGreaterThan(6)
      expect([readdirSync(stateRoot()), cgroupsNamed(made.id)]).toEqual([[], []])
    })

    test('takes the container’s words of a failure from the engine', async () => {
      const made = await bundle(['/program'])
      writeFileSync(`${made.rootfs}/program`, '#!/bin/sh\n', { mode: 0o755 })
      await create(made)
      writeFileSync(`${made.rootfs}/program`, 'no program', { mode: 0o755 })
      const { code, stderr, executed: programs } = await traced(['start', made.id])
      expect([code, programs]).toEqual([1, WITH_ENGINE])
      expect(stderr).toMatch(/unable to start container process: exec \/program: exec format error/)
      expect((await untilStatus(made.id, 'stopped')).pid).toBe(0)
    })

    test('that cannot be started is refused in the engine’s words', async () => {
      const made = await created()
      await must(['pause', made.id])
      expect((await traced(['start', made.id])).stderr).toMatch(/cannot start a container in the paused state/)
      await must(['resume', made.id])
      expect(await traced(['start', made.id])).toMatchObject({ code: 0, executed: ALONE })
      const again = await traced(['start', made.id])
      expect([again.code, again.stderr]).toEqual([
        1,
        expect.stringMatching(/cannot start an already running container/),
      ])
      await end(made)
      expect((await traced(['start', made.id])).stderr).toMatch(/cannot start a container that has stopped/)
    })

    test('that runs is not deleted, but by force', async () => {
      const made = await created()
      await must(['start', made.id])
      const { code, stderr } = await traced(['delete', made.id])
      expect([code, stderr]).toEqual([
        1,
        expect.stringMatching(/cannot delete container .* that is not stopped: running/),
      ])
      expect((await state(made.id)).status).toBe('running')
      expect(await traced(['delete', '--force', made.id])).toMatchObject({ code: 0, stderr: '', executed: WITH_ENGINE })
      expect([readdirSync(stateRoot()), cgroupsNamed(made.id)]).toEqual([[], []])
    })

    test('has the engine where a service manager waits', async () => {
      const made = await created()
      const env = { ...process.env, NOTIFY_SOCKET: `@${made.id}` }
      expect((await traced(['start', made.id], env)).executed).toEqual(WITH_ENGINE)
    })
  },
)

describe.runIf(requires('root', command('strace')) && !IS_REFERENCE)('a prepared program', () => {
  const spoilt: Record<string, (path: string) => void> = {
    'that others could have written': (path) => chmodSync(path, 0o620),
    'of somebody else': (path) => chownSync(path, 12345, 0),
    'of another version': (path) => {
      const bytes = readFileSync(path)
      bytes[4] = (bytes[4] ?? 0) ^ 1
      writeFileSync(path, bytes)
    },
    'cut short': (path) => truncateSync(path, 1000),
    'that is empty': (path) => truncateSync(path, 0),
  }
  test.each(Object.keys(spoilt))('%s is left to the engine', async (name) => {
    const made = await created()
    spoilt[name]?.(prepared(made.id))
    expect(await traced(['start', made.id])).toMatchObject({ code: 0, stderr: '', executed: WITH_ENGINE })
    expect((await state(made.id)).status).toBe('running')
    expect(existsSync(`${folder(made.id)}/start.sock`)).toBe(false)
  })

  test('that the disk does not give is left to the engine', async () => {
    const made = await created()
    const fails = ['-e', 'trace=execve,read', '-e', 'inject=read:error=EIO:when=1']
    expect(await traced(['start', made.id], process.env, fails)).toMatchObject({ code: 0, executed: WITH_ENGINE })
    expect((await state(made.id)).status).toBe('running')
  })

  test('of another container is left to the engine', async () => {
    const [made, other] = [await created(), await created()]
    copyFileSync(prepared(other.id), prepared(made.id))
    expect(await traced(['start', made.id])).toMatchObject({ code: 0, stderr: '', executed: WITH_ENGINE })
    expect([(await state(made.id)).status, (await state(other.id)).status]).toEqual(['running', 'created'])
  })

  const lacking: Record<string, (config: Config) => void> = {
    'poststop hooks': (config) => {
      config.hooks = { poststop: [{ path: '/bin/true' }] }
    },
    'startContainer hooks': (config) => {
      config.hooks = { startContainer: [{ path: '/bin/true' }] }
    },
    'the pid namespace of others': (config) => {
      const { namespaces = [] } = config.linux ?? {}
      config.linux = { ...config.linux, namespaces: namespaces.filter(({ type }) => type !== 'pid') }
    },
  }
  test.each(Object.keys(lacking))('is not written for a container with %s', async (name) => {
    const made = await created(lacking[name])
    expect(existsSync(prepared(made.id))).toBe(false)
    expect(await traced(['start', made.id])).toMatchObject({ code: 0, executed: WITH_ENGINE })
  })
})
