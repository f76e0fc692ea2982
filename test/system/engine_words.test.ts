/** What containerd and dockerd match on: calls as their shim makes them, and what it reads back. No engine takes part. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, type Config } from '../support/bundle.ts'
import { value } from '../support/cgroups.ts'
import { asShim, lastError, logEntries } from '../support/engine_calls.ts'
import { exec } from '../support/exec.ts'
import { RUNTIME } from '../support/place.ts'
import { requires } from '../support/requires.ts'
import { stateRoot } from '../support/runtime.ts'
import { until } from '../support/wait.ts'

const SLEEP = ['/bin/sleep', '1000']
const SILENT = { code: 0, stdout: '', stderr: '' }

const create = (of: Bundle) => {
  const args = ['create', '--bundle', of.path, '--pid-file', `${of.path}/init.pid`, of.id]
  // Its streams are the container's, which outlives it: they must not be pipes that somebody reads to the end.
  return asShim(of, args, { output: `${of.path}/output` })
}
const stateOf = async (of: Bundle) => JSON.parse((await asShim(of, ['state', of.id])).stdout)
const untilStopped = (of: Bundle) => until('its end', async () => (await stateOf(of)).status === 'stopped')

async function started(change: (config: Config) => void = () => {}): Promise<Bundle> {
  const made = await bundle((config) => {
    config.process.args = SLEEP
    change(config)
  })
  expect((await create(made)).code).toBe(0)
  expect(await asShim(made, ['start', made.id])).toMatchObject(SILENT)
  return made
}

async function stopped(): Promise<Bundle> {
  const made = await started((config) => {
    config.process.args = ['/bin/true']
  })
  await untilStopped(made)
  return made
}

/** `exec` of a process file, as for `ctr task exec` and `docker exec`. */
function execute(of: Bundle, args: readonly string[], name = 'process') {
  const file = `${of.path}/${name}.json`
  const { user, env, cwd, capabilities } = of.config.process
  writeFileSync(file, JSON.stringify({ user, env, cwd, capabilities, args }))
  const line = ['exec', '--process', file, '--detach', '--pid-file', `${of.path}/${name}.pid`, of.id]
  return asShim(of, line, { output: `${of.path}/${name}.output` })
}

/** What dockerd makes of a failed start or exec, from the words: daemon/errors.go of moby. */
function dockerExitCode(message: string, command: string): number {
  const text = message.toLowerCase()
  let code = 125
  if (text.includes(command) && /executable file not found|no such file or directory/.test(text)) code = 127
  if (text.includes('permission denied')) code = 126
  if (text.includes('not a directory')) code = 127
  return code
}

describe.runIf(requires('root'))('the calls of containerd', () => {
  test('create leaves a pid file that is a number, and the process in its cgroup; start says nothing', async () => {
    const made = await bundle(SLEEP)
    expect((await create(made)).code).toBe(0)
    const pid = readFileSync(`${made.path}/init.pid`, 'utf8')
    expect(pid).toMatch(/^[1-9]\d*$/)
    expect(readFileSync(`/proc/${pid}/cgroup`, 'utf8')).toContain(`/${made.id}\n`)
    expect(await asShim(made, ['start', made.id])).toMatchObject(SILENT)
    expect(readFileSync(`${made.path}/output`, 'utf8')).toBe('')
    expect(logEntries(`${made.path}/log.json`)).toEqual([])
  })

  test('state has go-runc’s fields', async () => {
    const made = await started((config) => {
      config.annotations = { key: 'value' }
    })
    const state = await stateOf(made)
    expect(state).toEqual({
      ociVersion: expect.stringMatching(/^1\.\d+\.\d+/),
      id: made.id,
      pid: Number(readFileSync(`${made.path}/init.pid`, 'utf8')),
      status: 'running',
      bundle: made.path,
      rootfs: made.rootfs,
      created: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/),
      annotations: { key: 'value' },
      owner: expect.any(String),
    })
    await asShim(made, ['kill', made.id, '9'])
    await untilStopped(made)
    expect(await stateOf(made)).toEqual({ ...state, status: 'stopped', pid: 0 })
  })

  test('kill says what the shim takes for "already finished"', async () => {
    const made = await stopped()
    const { code, stdout, stderr } = await asShim(made, ['kill', made.id, '15'])
    expect([code, stdout, stderr]).toEqual([1, '', expect.stringContaining('container not running')])
    expect(lastError(made)).toContain('container not running')
    // The shim sends this after the end of a container whose pid namespace is not its own: no error then.
    expect(await asShim(made, ['kill', '--all', made.id, '9'])).toMatchObject(SILENT)
  })

  test('delete, then delete --force from another process', async () => {
    const made = await stopped()
    expect(await asShim(made, ['delete', made.id])).toMatchObject(SILENT)
    expect(await asShim(made, ['delete', '--force', made.id])).toMatchObject({ code: 0 })
    // "does not exist" is what the shim and dockerd forgive.
    for (const args of [
      ['delete', made.id],
      ['kill', made.id, '9'],
      ['kill', '--all', made.id, '9'],
      ['state', made.id],
    ]) {
      const { code, stderr } = await asShim(made, args)
      expect([code, stderr]).toEqual([1, expect.stringContaining('container does not exist')])
    }
  })

  test('delete of a running container is an error, and not a forgiven one', async () => {
    const made = await started()
    const { code, stderr } = await asShim(made, ['delete', made.id])
    expect([code, stderr]).toEqual([1, expect.not.stringContaining('does not exist')])
    expect(await stateOf(made)).toMatchObject({ status: 'running' })
    expect(await asShim(made, ['delete', '--force', made.id])).toMatchObject({ code: 0 })
  })

  test('pause, resume, ps', async () => {
    const made = await started()
    expect(await asShim(made, ['pause', made.id])).toMatchObject(SILENT)
    expect((await stateOf(made)).status).toBe('paused')
    expect(await asShim(made, ['resume', made.id])).toMatchObject(SILENT)
    const { pid } = await stateOf(made)
    const pids = await asShim(made, ['ps', '--format', 'json', made.id])
    expect([pids.code, JSON.parse(pids.stdout)]).toEqual([0, [pid]])
    const table = await asShim(made, ['ps', '--format', 'table', made.id, '-o pid,args'.split(' ')].flat())
    expect(table.stdout.split('\n')[0]?.trim().split(/ +/)).toEqual(['PID', 'COMMAND'])
  })

  test('update with Docker’s zeros leaves the rest alone', async () => {
    const made = await started((config) => {
      config.linux.resources = { ...config.linux.resources, cpu: { shares: 300, quota: 50_000, period: 100_000 } }
    })
    const stdin = `{"memory":{"limit":134217728,"reservation":0,"swap":134217728,"kernel":0},"cpu":{"shares":0,"quota":0,"period":0,"cpus":"0"},"pids":{"limit":60},"blockIO":{"weight":0}}\n`
    expect(await asShim(made, ['update', '--resources', '-', made.id], { stdin })).toMatchObject(SILENT)
    const { pid } = await stateOf(made)
    expect(value(pid, 'memory', 'memory.limit_in_bytes')).toBe('134217728')
    expect(value(pid, 'pids', 'pids.max')).toBe('60')
    expect(value(pid, 'cpuset', 'cpuset.cpus')).toBe('0')
    expect(value(pid, 'cpu', 'cpu.shares')).toBe('300')
    expect(value(pid, 'cpu', 'cpu.cfs_quota_us')).toBe('50000')
  })

  test('events --stats', async () => {
    const made = await started()
    const { code, stdout } = await asShim(made, ['events', '--stats', made.id])
    expect([code, JSON.parse(stdout)]).toMatchObject([
      0,
      {
        type: 'stats',
        id: made.id,
        data: {
          cpu: { usage: { total: expect.any(Number), kernel: expect.any(Number), user: expect.any(Number) } },
          memory: { usage: { limit: expect.any(Number), usage: expect.any(Number) }, raw: expect.any(Object) },
          pids: { current: 1 },
        },
      },
    ])
  })

  test('list --format=json', async () => {
    const none = await bundle(SLEEP)
    mkdirSync(stateRoot())
    expect([null, []]).toContainEqual(JSON.parse((await asShim(none, ['list', '--format=json'])).stdout))
    const made = await started()
    const listed = JSON.parse((await asShim(made, ['list', '--format=json'])).stdout)
    expect(listed).toEqual([{ ...(await stateOf(made)), owner: 'root' }])
  })

  test('checkpoint of what has ended fails in a line', async () => {
    const made = await started()
    await asShim(made, ['kill', made.id, 'KILL'])
    await until('stopped', async () => (await stateOf(made)).status === 'stopped')
    const args = ['checkpoint', '--image-path', made.path, '--work-path', made.path, '--leave-running', made.id]
    const { code, stderr } = await asShim(made, args)
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^davit: [^\n]*checkpoint[^\n]*\n/)])
  })
})

describe.runIf(requires('root'))('a program that cannot be run', () => {
  test.each([
    ['/nope', 127, /no such file or directory/],
    ['nope', 127, /exec: "nope": executable file not found in \$PATH/],
    ['/etc/passwd', 126, /permission denied/],
    ['/etc', 126, /permission denied/],
  ])('%s is an exit code of %i, in create and in exec', async (command, code, words) => {
    const made = await bundle([command])
    expect((await create(made)).code).toBe(1)
    expect(lastError(made)).toMatch(words)
    expect(dockerExitCode(lastError(made) ?? '', command)).toBe(code)
    expect(
      logEntries(`${made.path}/log.json`).every(({ time }) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(time)),
    ).toBe(true)

    const running = await started()
    expect((await execute(running, [command])).code).toBe(255)
    expect(lastError(running)).toMatch(words)
    expect(dockerExitCode(lastError(running) ?? '', command)).toBe(code)
  })

  test('whose interpreter is missing', async () => {
    const made = await bundle(['/script'])
    writeFileSync(`${made.rootfs}/script`, '#!/no/interpreter\n', { mode: 0o755 })
    if ((await create(made)).code === 0) expect((await asShim(made, ['start', made.id])).code).toBe(1)
    expect(lastError(made)).toMatch(/\/script.*no such file or directory/)
    expect(dockerExitCode(lastError(made) ?? '', '/script')).toBe(127)
  })

  test('because a file is mounted on a directory', async () => {
    const made = await bundle((config) => {
      config.mounts.push({ destination: '/etc', type: 'bind', source: '/etc/hostname', options: ['rbind'] })
    })
    expect((await create(made)).code).toBe(1)
    expect(lastError(made)).toContain('not a directory')
  })

  test('exec into a container that has ended', async () => {
    const made = await stopped()
    expect((await execute(made, ['true'])).code).toBe(255)
    expect(lastError(made)).toContain('cannot exec in a stopped container')
  })
})

describe.runIf(requires('root'))('the calls of dockerd', () => {
  test('--version: lines that moby and go-runc take apart', async () => {
    const { code, stdout } = await exec(RUNTIME, ['--version'])
    const lines = stdout.trim().split('\n')
    expect([code, lines[0]?.split('version').length]).toEqual([0, 2])
    expect(lines.filter((line) => line.includes('version'))).toHaveLength(1)
    expect(lines.find((line) => line.startsWith('commit: '))?.split(': ')).toHaveLength(2)
    expect(lines.find((line) => line.startsWith('spec: '))).toMatch(/^spec: \d+\.\d+\.\d+$/)
  })

  test('BuildKit’s run passes on the exit code, and says in the log what is wrong', async () => {
    const run = (of: Bundle, options = {}) => {
      const global = ['--root', stateRoot(), '--log', `${of.path}/runc-log.json`, '--log-format', 'json']
      return exec(RUNTIME, [...global, 'run', '--bundle', of.path, of.id], { cwd: '/', ...options })
    }
    const made = await bundle('cat; echo err >&2; exit 42')
    expect(await run(made, { stdin: 'text' })).toMatchObject({ code: 42, stdout: 'text', stderr: 'err\n' })
    const broken = await bundle(['/nope'])
    expect((await run(broken)).code).toBe(1)
    expect(logEntries(`${broken.path}/runc-log.json`).at(-1)?.msg).toMatch(/no such file or directory/)
  })

  test('its network hook sees the process and its namespace before the rootfs is entered', async () => {
    const made = await bundle((config) => {
      config.process.args = SLEEP
      config.hooks = {
        prestart: [{ path: '/bin/sh', args: ['sh', '-c', 'exec sh ./hook.sh'], env: ['PATH=/usr/bin:/bin'] }],
      }
    })
    mkdirSync(`${made.path}/seen`)
    const seen = `${made.path}/seen`
    writeFileSync(
      `${made.path}/hook.sh`,
      `cat >${seen}/state; pid=$(sed 's/.*"pid": *\\([0-9]*\\).*/\\1/' ${seen}/state); readlink /proc/$pid/ns/net /proc/self/ns/net >${seen}/net; readlink /proc/$pid/root >${seen}/root\n`,
    )
    expect((await create(made)).code).toBe(0)
    const state = JSON.parse(readFileSync(`${seen}/state`, 'utf8'))
    expect(state).toMatchObject({
      id: made.id,
      bundle: made.path,
      pid: Number(readFileSync(`${made.path}/init.pid`, 'utf8')),
    })
    const [theirs, ours] = readFileSync(`${seen}/net`, 'utf8').split('\n')
    expect(theirs).toMatch(/^net:/)
    expect(theirs).not.toBe(ours)
    expect(readFileSync(`${seen}/root`, 'utf8')).toBe('/\n')
  })
})
