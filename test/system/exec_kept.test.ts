/** What an `exec` keeps for the next ones is used, and changes nothing that anybody can see. */
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { exec } from '../support/exec.ts'
import { keptFolder as folder, keptFiles, runningContainer as running, spoilForm } from '../support/kept_exec.ts'
import { IS_REFERENCE, RUNTIME } from '../support/place.ts'
import { engineProfile } from '../support/profiles.ts'
import { command, requires } from '../support/requires.ts'
import { davit, must, state } from '../support/runtime.ts'
import { scratch } from '../support/scratch.ts'

describe.runIf(requires('root', command('strace')) && !IS_REFERENCE)('an exec after another', () => {
  test('takes its plan from that, whatever it executes', async () => {
    const made = await running((config) => {
      config.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 1111, hard: 2222 }]
      config.process.noNewPrivileges = false
    })
    const run = (...args: string[]) => must(['exec', ...args])
    expect(await run(made.id, '/bin/sh', '-c', 'ulimit -n')).toBe('1111\n')
    expect(keptFiles(made)).toHaveLength(1)
    // That it is used shows when it says something else.
    spoilForm(made)
    expect(await run(made.id, '/bin/sh', '-c', 'ulimit -Sn')).toBe('1112\n')
    const other = ['--cwd', '/bin', '--env', 'A=1 2', made.id, 'sh', '-c', 'ulimit -Sn; pwd; echo "$A"']
    expect(await run(...other)).toBe('1112\n/bin\n1 2\n')
    // What is another process but for that is planned anew.
    const flags = [['--user', '0:1'], ['--cap', 'CAP_SYS_BOOT'], ['--no-new-privs'], ['--additional-gids', '5']]
    for (const given of flags) expect(await run(...given, made.id, '/bin/sh', '-c', 'ulimit -Sn')).toBe('1111\n')
  })

  test('has its own arguments and environment, of any size', async () => {
    const made = await running()
    await must(['exec', '--env', 'FIRST=1', made.id, '/bin/true'])
    const long = 'x'.repeat(100_000)
    const args = ['', 'a b', 'ä\u{1F6A2}', '$HOME', long]
    const shown = await must([
      'exec',
      made.id,
      '/bin/sh',
      '-c',
      'for a; do echo "<$a>"; done; echo "$FIRST"',
      '-',
      ...args,
    ])
    expect(shown).toBe(`${args.map((arg) => `<${arg}>\n`).join('')}\n`)
    const env = await must(['exec', '--env', `LONG=${long}`, '--env', 'E=', '--env', 'LONG=short', made.id, '/bin/env'])
    expect(env.split('\n')).toEqual(expect.arrayContaining(['LONG=short', 'E=']))
    expect(env).not.toContain('FIRST')
    // The PATH that it is looked up in is its own, too.
    writeFileSync(`${made.rootfs}/tmp/only-here`, '#!/bin/sh\necho found\n', { mode: 0o755 })
    expect(await must(['exec', '--env', 'PATH=/tmp:/bin', made.id, 'only-here'])).toBe('found\n')
    expect((await davit(['exec', made.id, 'only-here'])).stderr).toContain('exec: "only-here"')
    expect(keptFiles(made)).toHaveLength(1)
  })

  test('is the same process to the kernel', async () => {
    const made = await running((config) => {
      config.process.user = { uid: 7, gid: 8, additionalGids: [9] }
      config.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 100, hard: 200 }]
    })
    const look = () =>
      must([
        'exec',
        made.id,
        '/bin/sh',
        '-c',
        'grep -v -e ctxt -e Tgid -e Vm -e Rss -e Pid -e NS -e PPid /proc/self/status; cat /proc/self/limits /proc/self/cgroup; env; ls -l /proc/self/fd; pwd',
      ])
    const looks = [await look(), await look(), await look(), await look()].map((text) =>
      text.replaceAll(/\d+ -> |\d\d:\d\d|\/proc\/\d+|socket:\[\d+\]/g, ''),
    )
    expect(keptFiles(made)).toHaveLength(1)
    expect(looks).toEqual(looks.map(() => looks[0]))
    expect(looks[0]).toContain('Groups:\t9')
  })

  test('has a pid file and an exit code of its own', async () => {
    const made = await running()
    const codes: (number | null)[] = []
    for (const name of ['a', 'b', 'c', 'd']) {
      const pidFile = `${scratch()}/${name}`
      codes.push((await davit(['exec', '--pid-file', pidFile, made.id, '/bin/sh', '-c', 'exit 5'])).code)
      expect(Number(readFileSync(pidFile, 'utf8'))).toBeGreaterThan(1)
    }
    expect([codes, keptFiles(made).length]).toEqual([[5, 5, 5, 5], 1])
    expect(new Set(['a', 'b', 'c', 'd'].map((name) => readFileSync(`${scratch()}/${name}`, 'utf8'))).size).toBe(4)
  })

  test('that now fails is told in the words of the first', async () => {
    const made = await running()
    writeFileSync(`${made.rootfs}/bin/mine`, '#!/bin/sh\necho mine\n', { mode: 0o755 })
    for (let i = 0; i < 3; i++) expect(await must(['exec', made.id, '/bin/mine'])).toBe('mine\n')
    expect(keptFiles(made)).toHaveLength(1)
    renameSync(`${made.rootfs}/bin/mine`, `${made.rootfs}/bin/other`)
    const pidFile = `${scratch()}/pid`
    const { code, stdout, stderr } = await davit(['exec', '--pid-file', pidFile, made.id, '/bin/mine'])
    const words =
      'davit: exec failed: unable to start container process: exec: "/bin/mine": stat /bin/mine: no such file or directory\n'
    expect([code, stdout, stderr]).toEqual([255, '', words])
    expect(readdirSync(scratch())).not.toContain('pid')
    expect((await state(made.id)).status).toBe('running')
  })

  test('that cannot be executed is tried once', async () => {
    const made = await running()
    writeFileSync(`${made.rootfs}/bin/odd`, '\x7fELF', { mode: 0o755 })
    await must(['exec', made.id, '/bin/true'])
    const attempts = async (...line: string[]) => {
      const trace = `${scratch()}/trace`
      const own = [RUNTIME, '--root', `${folder(made)}/..`, 'exec', ...line]
      const { code, stderr } = await exec('strace', ['-f', '-o', trace, '-e', 'trace=setns', ...own])
      return [code, stderr.replace(/^.*container process: /, ''), readFileSync(trace, 'utf8').match(/setns\(/g)?.length]
    }
    expect(await attempts(made.id, 'none')).toEqual([255, 'exec: "none": executable file not found in $PATH\n', 1])
    expect(await attempts(made.id, '/bin/odd')).toEqual([255, 'exec /bin/odd: exec format error\n', 1])
    const words =
      'chdir to cwd ("/none") set in config.json, from /process/cwd: chdir "/none" and verify it is inside the root: no such file or directory\n'
    expect(await attempts('--cwd', '/none', made.id, 'true')).toEqual([255, words, 1])
  })

  test('finds nothing of what was executed, which may be secret', async () => {
    const made = await running()
    await must(['exec', '--env', 'PASSWORD=hidden-word', made.id, '/bin/echo', 'hidden-argument'])
    expect(keptFiles(made)).toHaveLength(1)
    const all = readdirSync(folder(made)).filter((name) => name !== 'start.sock')
    for (const name of all) expect(readFileSync(`${folder(made)}/${name}`, 'latin1')).not.toContain('hidden')
  })
})

describe.runIf(requires('root') && !IS_REFERENCE)('an exec after another, under a filter', () => {
  test('is filtered as the first', async () => {
    const made = await running((config) => {
      Object.assign(config.linux, { seccomp: engineProfile() })
    })
    const looks: string[] = []
    for (let i = 0; i < 4; i++)
      looks.push((await davit(['exec', made.id, '/bin/sh', '-c', 'grep Seccomp: /proc/self/status'])).stdout)
    expect([looks, keptFiles(made).length]).toEqual([looks.map(() => 'Seccomp:\t2\n'), 1])
  })
})
