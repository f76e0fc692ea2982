/** What the container's first process holds, shows and can be made to do: before start, at exec, after. */
import { createHash } from 'node:crypto'
import {
  closeSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bundle, create, createStart, outputOf, run } from '../support/bundle.ts'
import { exec } from '../support/exec.ts'
import { processStatus } from '../support/kernel.ts'
import { RUNTIME } from '../support/place.ts'
import { requires } from '../support/requires.ts'
import { must, state, untilStatus } from '../support/runtime.ts'
import { until } from '../support/wait.ts'

const applets = ['sh', 'ls', 'sleep', 'true', 'cat', 'readlink', 'id', 'grep']

/** Runs something with directories of the host open from 3 on, as a careless engine would leave them. */
async function leaking<T>(act: (fds: readonly number[]) => Promise<T>): Promise<T> {
  const fds = ['/', '/etc', '/proc', '/dev', '/', '/usr', '/tmp', '/'].map((path) => openSync(path, 'r'))
  try {
    return await act(fds)
  } finally {
    for (const fd of fds) closeSync(fd)
  }
}

/** fds of a process with what they are. */
function fdsOf(pid: number): Record<string, string> {
  const folder = `/proc/${pid}/fd`
  return Object.fromEntries(readdirSync(folder).map((fd) => [fd, readlinkSync(`${folder}/${fd}`)]))
}

/** Hashes of everything of the product that a container could want to overwrite. */
function productHash(): string {
  const folder = RUNTIME.replace(/[^/]*$/, '')
  const files = [RUNTIME, ...readdirSync(`${folder}libexec/davit`).map((name) => `${folder}libexec/davit/${name}`)]
  return files.map((file) => `${file} ${createHash('sha256').update(readFileSync(file)).digest('hex')}`).join('\n')
}

describe.runIf(requires('root'))('file descriptors', () => {
  // CVE-2024-21626
  test('what the caller leaks does not reach the container', async () => {
    const made = await bundle(['ls', '/proc/self/fd'], { applets })
    const { code, stdout } = await leaking((fds) => run(made, { fds }))
    // 3 is the directory that ls reads.
    expect({ code, stdout }).toEqual({ code: 0, stdout: '0\n1\n2\n3\n' })
  })

  test.each([0, 1, 2, 5])('%i fds are preserved, and no more', async (count) => {
    const made = await bundle(['sleep', '60'], { applets })
    const args = ['--detach', '--preserve-fds', String(count)]
    await leaking((fds) => run(made, { fds, args, output: `${made.path}/output` }))
    const { pid } = await untilStatus(made.id, 'running')
    expect(Object.keys(fdsOf(pid))).toEqual(Array.from({ length: 3 + count }, (_, fd) => String(fd)))
    if (count > 1) expect(fdsOf(pid)).toMatchObject({ 3: '/', 4: '/etc' })
  })

  // runc's "detect fd leak as comprehensively as possible"
  test('a created container holds its streams and the socket it waits on, nothing of the host', async () => {
    const made = await bundle(['true'], { applets })
    await leaking((fds) => create(made, { fds }))
    const { pid } = await state(made.id)
    const { 0: input, 1: output, 2: errors, ...others } = fdsOf(pid)
    expect([input, output, errors]).toEqual(['/dev/null', `${made.path}/output`, `${made.path}/output`])
    expect(Object.values(others)).toEqual([expect.stringMatching(/^socket:/)])
  })

  test('cwd through an fd of ours or of the caller', async () => {
    const made = await bundle(['true'], { applets })
    for (let fd = 3; fd <= 30; fd++) {
      made.configure((config) => {
        config.process.cwd = `/proc/self/fd/${fd}`
      })
      const { code, stderr } = await leaking((fds) => run(made, { fds }))
      expect(code, stderr).toBe(1)
      expect(stderr).toMatch(/^davit: run failed: [^\n]*\/process\/cwd[^\n]*\n$/)
    }
  })

  test.each(['/proc/self/fd', '/proc/1/fd', '/proc/thread-self/fd'])('an executable through %s/N', async (folder) => {
    const made = await bundle(['true'], { applets })
    for (let fd = 3; fd <= 20; fd++) {
      for (const path of ['1/root/bin/sh', 'bin/sh', '../../../bin/sh', 'usr/bin/env']) {
        made.configure((config) => {
          config.process.args = [`${folder}/${fd}/${path}`, '-c', 'true']
        })
        const { code, stderr } = await leaking((fds) => run(made, { fds }))
        expect({ fd, path, code }).toEqual({ fd, path, code: 1 })
        expect(stderr).toMatch(/no such file or directory|not a directory|permission denied/)
      }
    }
  })

  test.each(['/proc/1/root', '/proc/self/root/..', '/proc/1/cwd'])('cwd %s never leaves the root', async (cwd) => {
    const made = await bundle(
      (config) => {
        Object.assign(config.process, { cwd, args: ['readlink', '/proc/self/cwd'] })
        // With the host's pids there are processes with other roots.
        config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'pid')
      },
      { applets },
    )
    const { code, stdout, stderr } = await run(made)
    if (code === 0) expect(stdout).toBe('/\n')
    else expect(stderr).toMatch(/outside of container mount namespace root|permission denied/)
  })
})

describe.runIf(requires('root'))("the runtime's own files", () => {
  // CVE-2019-5736
  test('init is a sealed copy: nobody can change it through /proc/PID/exe', async () => {
    const before = productHash()
    const made = await bundle(['sleep', '60'], { applets })
    await create(made)
    const { pid } = await state(made.id)
    expect(readlinkSync(`/proc/${pid}/exe`)).toMatch(/^\/memfd:davit-init/)
    const held = openSync(`/proc/${pid}/exe`, 'r')
    expect(() => openSync(`/proc/${pid}/exe`, 'r+')).toThrow('ETXTBSY')
    await must(['start', made.id])
    await until('exec', () => !readlinkSync(`/proc/${pid}/exe`).includes('memfd'))
    // Not busy any more: it can be opened, and still not be changed.
    const writable = openSync(`/proc/self/fd/${held}`, 'r+')
    expect(() => writeSync(writable, 'evil')).toThrow('EPERM')
    expect(() => ftruncateSync(writable, 0)).toThrow('EPERM')
    expect(() => ftruncateSync(writable, 1 << 20)).toThrow('EPERM')
    closeSync(writable)
    closeSync(held)
    expect(productHash()).toBe(before)
  })

  test('an entrypoint that is /proc/self/exe, or a script for it', async () => {
    const before = productHash()
    const script = await bundle(['/entry'], { applets })
    writeFileSync(`${script.rootfs}/entry`, '#!/proc/self/exe\n', { mode: 0o755 })
    for (const args of [['/entry'], ['/proc/self/exe'], ['/proc/self/exe', '3'], ['/proc/1/exe', '0', '1']]) {
      script.configure((config) => {
        config.process.args = args
      })
      const { code, stdout } = await run(script)
      expect(code).not.toBe(0)
      expect(stdout).toBe('')
    }
    expect(productHash()).toBe(before)
  })

  test('no file of the runtime is in reach of the container', async () => {
    const made = await bundle(['sleep', '60'], { applets })
    const { pid } = await createStart(made)
    expect(readFileSync(`/proc/${pid}/maps`, 'utf8')).not.toMatch(/davit|koffi|libexec/)
    expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).not.toMatch(/DAVIT|BUN|JSC/)
    expect(readFileSync(`/proc/${pid}/mountinfo`, 'utf8')).not.toContain('libexec')
  })
})

describe.runIf(requires('root'))('who the process is', () => {
  // CVE-2016-9962
  test('before its start nobody but root can look into it, not even its own user', async () => {
    const made = await bundle(
      (config) => {
        config.process.args = ['sleep', '60']
        Object.assign(config.process.user, { uid: 1234, gid: 1234 })
      },
      { applets },
    )
    await create(made)
    const { pid } = await state(made.id)
    const look = (file: string) =>
      exec('setpriv', ['--reuid=1234', '--regid=1234', '--clear-groups', 'cat', `/proc/${pid}/${file}`])
    expect(processStatus(pid).Uid).toBe('1234 1234 1234 1234')
    expect(statSync(`/proc/${pid}/fd`).uid).toBe(0)
    expect((await look('environ')).stderr).toContain('Permission denied')
    expect((await look('maps')).stderr).toContain('Permission denied')
    await must(['start', made.id])
    await until('exec', () => statSync(`/proc/${pid}/fd`).uid === 1234)
    expect(await look('environ')).toMatchObject({ code: 0 }) // the test can see it when it is allowed to
  })

  test('nor can another root without CAP_SYS_PTRACE, as the root of a neighbour container is', async () => {
    const made = await bundle(['sleep', '60'], { applets })
    await create(made)
    const { pid } = await state(made.id)
    // KERNEL(6.13): CAP_PERFMON and CAP_SYS_ADMIN let read what belongs to a process's memory, too.
    const sets = ['--bounding-set=-sys_ptrace,-perfmon,-sys_admin', '--inh-caps=-sys_ptrace,-perfmon,-sys_admin']
    const look = (file: string) => exec('setpriv', [...sets, 'cat', `/proc/${pid}/${file}`])
    for (const file of ['environ', 'maps', 'mem']) expect((await look(file)).stderr).toContain('Permission denied')
    await must(['start', made.id])
    await until('exec', () => !readlinkSync(`/proc/${pid}/exe`).includes('memfd'))
    expect(await look('maps')).toMatchObject({ code: 0 })
  })

  // CVE-2022-29162
  test('capabilities: what is configured, nothing inheritable that is not', async () => {
    const status = await outputOf('grep Cap /proc/self/status', (config) => {
      config.process.capabilities = { bounding: ['CAP_KILL'], effective: ['CAP_KILL'], permitted: ['CAP_KILL'] }
    })
    expect(status.replace(/\s+/g, ' ')).toBe(
      'CapInh: 0000000000000000 CapPrm: 0000000000000020 CapEff: 0000000000000020 ' +
        'CapBnd: 0000000000000020 CapAmb: 0000000000000000 ',
    )
  })

  test('no capability at all when none is given, and none comes back by exec', async () => {
    const status = await outputOf('grep Cap /proc/self/status', (config) => {
      delete config.process.capabilities
    })
    expect(status.match(/0000000000000000/g)).toHaveLength(5)
  })

  test('a session of its own: no terminal of the caller to type into', async () => {
    const made = await bundle(['sleep', '60'], { applets })
    const { pid } = await createStart(made)
    const [, , , session, tty] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ')
    expect([Number(session), Number(tty)]).toEqual([pid, 0])
  })

  test('standard streams that are devices keep their owner', async () => {
    const made = await bundle(
      (config) => {
        config.process.args = ['true']
        Object.assign(config.process.user, { uid: 1234, gid: 1234 })
      },
      { applets },
    )
    await run(made)
    expect(statSync('/dev/null')).toMatchObject({ uid: 0, gid: 0, rdev: 0x103 })
  })
})
