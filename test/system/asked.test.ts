/** `kill` and `state` of an ordinary container: answered without the engine where all is as it mostly is. */
import { existsSync, mkdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, type Config, containerOutput, create } from '../support/bundle.ts'
import { exec } from '../support/exec.ts'
import { FUSE, fuse } from '../support/fuse.ts'
import { IS_REFERENCE, RUNTIME } from '../support/place.ts'
import { command, kernel, requires } from '../support/requires.ts'
import { must, state, stateRoot, untilStatus } from '../support/runtime.ts'
import { scratch } from '../support/scratch.ts'
import { ALONE, traced, WITH_ENGINE } from '../support/traced.ts'
import { until } from '../support/wait.ts'

const folder = (id: string) => `${stateRoot()}/${id}`
const asked = (id: string) => `${folder(id)}/asked`

async function created(change: (config: Config) => void = () => {}): Promise<Bundle> {
  const made = await bundle((config) => {
    config.process.args = ['/bin/sleep', '1000']
    change(config)
  })
  await create(made)
  return made
}

/** What the engine says, which does not look at what was prepared. */
async function byEngine(id: string): Promise<string> {
  const text = readFileSync(asked(id))
  rmSync(asked(id))
  const { stdout, executed } = await traced(['state', id])
  expect(executed).toEqual(WITH_ENGINE)
  writeFileSync(asked(id), text, { mode: 0o600 })
  return stdout
}

describe.runIf(requires('root', command('strace'), command('unshare'), kernel('6.9')) && !IS_REFERENCE)(
  'without the engine',
  () => {
    test('state says what the engine says: created, and running', async () => {
      const made = await created((config) => {
        config.annotations = { 'org.example.text': 'ü "quoted"\n<tag>', 'org.example.empty': '' }
      })
      for (const status of ['created', 'running']) {
        const { stdout, stderr, code, executed } = await traced(['state', made.id])
        expect([executed, stderr, code]).toEqual([ALONE, '', 0])
        expect(JSON.parse(stdout)).toMatchObject({ id: made.id, status, annotations: made.config.annotations })
        expect(stdout).toBe(await byEngine(made.id))
        if (status === 'created') await must(['start', made.id])
      }
    })

    test.each(['10', 'USR1'])('kill sends a signal, once (%s)', async (signal) => {
      const script = 'trap "echo heard" USR1; echo ready; while :; do sleep 0.02; done'
      const made = await created((config) => {
        config.process.args = ['/bin/sh', '-c', script]
      })
      await must(['start', made.id])
      await until('ready', () => containerOutput(made) === 'ready\n')
      const { code, stdout, stderr, executed } = await traced(['kill', made.id, signal])
      // Names of the others are the engine's to know.
      expect([code, stdout, stderr, executed]).toEqual([0, '', '', signal === '10' ? ALONE : WITH_ENGINE])
      await until('heard', () => containerOutput(made) === 'ready\nheard\n')
      await new Promise((done) => setTimeout(done, 100))
      expect(containerOutput(made)).toBe('ready\nheard\n')
    })

    test.each(['9', 'KILL', 'SIGKILL'])(
      'kill %s ends it, created or running; then it is not running',
      async (signal) => {
        for (const starts of [false, true]) {
          const made = await created()
          if (starts) await must(['start', made.id])
          expect(await traced(['kill', made.id, signal])).toMatchObject({ code: 0, stderr: '', executed: ALONE })
          await untilStatus(made.id, 'stopped')
          const again = await traced(['kill', made.id, signal])
          expect([again.code, again.executed]).toEqual([1, WITH_ENGINE])
          expect(again.stderr).toContain('container not running')
          await must(['delete', made.id])
          expect(existsSync(folder(made.id))).toBe(false)
        }
      },
    )

    test.each(['', '0', '009', '65', '100', 'SIG9', '9x', 'kill', '-9', 'NONE'])(
      'kill %j is as the engine says',
      async (signal) => {
        const made = await created()
        const { code, executed } = await traced(['kill', made.id, signal])
        expect([executed, code]).toEqual([WITH_ENGINE, ['0', 'kill'].includes(signal) ? 0 : 1])
      },
    )

    test('a paused container is the engine’s', async () => {
      const made = await created()
      await must(['start', made.id])
      await must(['pause', made.id])
      const { stdout, executed } = await traced(['state', made.id])
      expect([JSON.parse(stdout).status, executed]).toEqual(['paused', WITH_ENGINE])
      expect(await traced(['kill', made.id, '9'])).toMatchObject({ code: 0, executed: WITH_ENGINE })
      await untilStatus(made.id, 'stopped')
    })

    test('a socket that a start has left is no container that waits', async () => {
      const made = await created()
      await must(['start', made.id])
      writeFileSync(`${folder(made.id)}/start.sock`, '')
      const { stdout, executed } = await traced(['state', made.id])
      expect([JSON.parse(stdout).status, executed]).toEqual(['running', WITH_ENGINE])
    })

    test('a state that does not go into a pipe at once is the engine’s', async () => {
      const made = await created((config) => {
        config.annotations = { long: 'x'.repeat(4096) }
      })
      const { stdout, executed } = await traced(['state', made.id])
      expect(executed).toEqual(WITH_ENGINE)
      expect(JSON.parse(stdout).annotations.long).toHaveLength(4096)
      expect(await traced(['kill', made.id, '9'])).toMatchObject({ code: 0, executed: ALONE })
    })

    test('a reader that has left is told of, as by the engine', async () => {
      const made = await created()
      // The pipe is broken when its reader is gone, which takes a moment.
      const line = `{ sleep 0.3; ${RUNTIME} --root ${stateRoot()} state ${made.id}; echo "code $?" >&2; } | true`
      const { stderr } = await exec('sh', ['-c', line])
      expect(stderr).toMatch(/standard output.*broken pipe.*\ncode 1\n$/s)
    })

    test('a disk that takes a part of it only is told of, as by the engine', async () => {
      const made = await created()
      mkdirSync(`${scratch()}/disk`)
      const script = `mount -t tmpfs -o size=4k none ${scratch()}/disk && cd ${scratch()}/disk
        head -c 4000 /dev/zero >file && ${RUNTIME} --root ${stateRoot()} state ${made.id} >>file; echo "code $?"`
      const { stdout, stderr } = await exec('unshare', ['--mount', 'sh', '-c', script])
      expect(stderr).toMatch(/standard output.*no space left on device/)
      expect(stdout).toBe('code 1\n')
    })

    test('a file that may be no longer is told of, as by the engine', async () => {
      const made = await created()
      const script = `ulimit -f 1; truncate -s 512 ${scratch()}/file
        ${RUNTIME} --root ${stateRoot()} state ${made.id} >>${scratch()}/file; echo "code $?"`
      const { stdout, stderr } = await exec('sh', ['-c', script])
      expect([stdout, stderr]).toEqual(['code 1\n', expect.stringMatching(/standard output.*file too large/)])
    })

    test.runIf(requires(FUSE))('a file system that does not answer keeps nobody from its container', async () => {
      const signalServer = await fuse(`${scratch()}/fuse`, 0)
      const made = await created((config) => {
        config.process.args = ['/mnt/program', 'wait']
        config.mounts.push({ destination: '/mnt', source: `${scratch()}/fuse`, type: 'none', options: ['bind'] })
      })
      await must(['start', made.id])
      const { pid } = await state(made.id)
      await until('exec', () => readlinkSync(`/proc/${pid}/exe`) === '/mnt/program')
      signalServer('SIGSTOP')
      const limited = (...args: string[]) =>
        exec('timeout', ['-s', 'KILL', '5', RUNTIME, '--root', stateRoot(), ...args])
      const { stdout, code } = await limited('state', made.id)
      expect([JSON.parse(stdout).status, code]).toEqual(['running', 0])
      expect(await limited('kill', made.id, '9')).toMatchObject({ code: 0, stderr: '' })
      signalServer('SIGCONT') // its end may wait for that
      await untilStatus(made.id, 'stopped')
    })

    test('another boot, and another process with its pid, are not taken for it', async () => {
      const made = await created()
      await must(['start', made.id])
      const { pid } = await state(made.id)
      writeFileSync(`${scratch()}/boot`, '00000000-0000-0000-0000-000000000000\n')
      const trace = ['strace', '-qq', '-e', 'trace=execve', '-o', `${scratch()}/trace`]
      const line = [...trace, RUNTIME, '--root', stateRoot(), 'state', made.id].join(' ')
      const mount = `mount --bind ${scratch()}/boot /proc/sys/kernel/random/boot_id`
      const { stdout } = await exec('unshare', ['--mount', 'sh', '-c', `${mount} && ${line}`])
      expect(JSON.parse(stdout)).toMatchObject({ status: 'running', pid })
      expect(readFileSync(`${scratch()}/trace`, 'utf8').match(/execve/g)).toHaveLength(2)

      // In a pid namespace of its own the next pid is ours to choose.
      const other = await bundle(['/bin/sleep', '1000'])
      const davit = `${RUNTIME} --root ${stateRoot()}`
      const script = `set -e
      ${davit} create --bundle ${other.path} ${other.id} >/dev/null
      pid=$(${davit} state ${other.id} | sed -n 's/.*"pid": \\([0-9]*\\),/\\1/p')
      ${davit} kill ${other.id} 9
      while [ -e /proc/$pid ]; do sleep 0.02; done
      echo $((pid - 1)) >/proc/sys/kernel/ns_last_pid
      sleep 1000 &
      [ $! = $pid ]
      ${davit} state ${other.id} | grep status
      ${davit} kill ${other.id} 9 2>&1 || true
      kill -0 $pid && echo alive
      kill $pid
      ${davit} delete ${other.id}`
      const foreign = await exec('unshare', ['--pid', '--fork', '--mount-proc', 'sh', '-c', script])
      expect(foreign.stdout).toMatch(/"status": "stopped"[\s\S]*container not running\nalive\n$/)
      expect(foreign.code).toBe(0)
    })
  },
)
