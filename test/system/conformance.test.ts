/** The conformance suite holds davit to the specification. */
import { describe, expect, it } from 'vitest'
import { hierarchies } from '../support/cgroups.ts'
import { exec } from '../support/exec.ts'
import { judge, SUITE, suite } from '../support/judge.ts'
import { patience } from '../support/pace.ts'
import { RUNTIME } from '../support/place.ts'
import { DEVIATIONS } from '../support/proofs.ts'
import { requires } from '../support/requires.ts'

/** Those of them that this machine can show: cgroup v2 has no limit of TCP's memory. */
const SHOWN = hierarchies().memory ? DEVIATIONS : DEVIATIONS.filter((id) => id !== 'cgroup-memory-kernel-tcp')

describe.runIf(requires('root'))('conformance', { timeout: patience(600_000) }, () => {
  it('of davit, with the deviations that it shares with others', async () => {
    const { code, results, failed, count } = await judge(RUNTIME)
    expect(failed).toEqual([])
    expect(count.passed).toBeGreaterThan(150)
    expect(results.filter(({ verdict }) => verdict === 'deviation').map(({ id }) => id)).toEqual(SHOWN)
    expect(code).toBe(0)
  })

  it.runIf(requires('systemd', 'cgroup2'))('of davit where systemd makes the cgroups', async () => {
    const groups = ['cgroups', 'update', 'systemd'].flatMap((name) => ['--group', name])
    const { code, report, results, failed } = await judge(RUNTIME, '--systemd-cgroup', ...groups)
    expect(failed).toEqual([])
    expect(report.machine).toMatch(/ cgroup v2, made by systemd$/)
    const { evidence = [] } = results.find(({ id }) => id === 'cgroup-pids-limit') ?? {}
    const [config, create] = ['config', 'command'].map((kind) => evidence.find((it) => it.kind === kind))
    expect(config).toMatchObject({ text: expect.stringMatching(/"cgroupsPath":"system\.slice:conf:conf-\d+-\d+"/) })
    expect(create).toMatchObject({ args: expect.arrayContaining(['--systemd-cgroup', 'create']) })
    expect(code).toBe(0)
  })

  it.runIf(!requires('systemd'))('says so where there is no systemd to make them', async () => {
    const { code, stderr } = await suite('--runtime', RUNTIME, '--systemd-cgroup')
    expect([code, stderr]).toEqual([2, 'davit-conformance: systemd does not run\n'])
  })

  it('tells a broken runtime from a good one', async () => {
    const { code, count } = await judge(
      '/bin/true',
      ...['create', 'start', 'kill', 'delete', 'hooks', 'process', 'mounts', 'linux'].flatMap((name) => [
        '--group',
        name,
      ]),
    )
    expect(count.failed).toBeGreaterThan(100)
    expect(code).toBe(1)
  })

  it('keeps what was done and seen as evidence', async () => {
    const { results } = await judge(RUNTIME, '--filter', '^(process-cwd|delete-removes)$')
    const kinds = (id: string) => results.find((it) => it.id === id)?.evidence.map(({ kind }) => kind)
    expect(kinds('process-cwd')).toEqual(expect.arrayContaining(['config', 'command', 'program', 'kernel']))
    const [first] = results.find(({ id }) => id === 'process-cwd')?.evidence ?? []
    expect(first?.kind === 'config' && JSON.parse(first.text).process.cwd).toBe('/tmp')
    const created = results.find(({ id }) => id === 'delete-removes')?.evidence.find(({ kind }) => kind === 'command')
    expect(created).toMatchObject({ args: expect.arrayContaining(['create']), end: 'exit 0' })
  })

  it('needs nothing of the machine’s programs to make containers of', async () => {
    const env = { PATH: '/nowhere' }
    const { code, stdout } = await exec(SUITE, ['--runtime', RUNTIME, '--filter', '^process-(cwd|env)$'], { env })
    expect(stdout).toMatch(/^davit \S+ +2 +0 +0 +0 /m)
    expect(code).toBe(0)
  })

  it('judges several runtimes at once, in the formats of CI servers', async () => {
    const argv = ['--runtime', RUNTIME, '--runtime', '/bin/true', '--filter', '^kill-unknown$', '--jobs', '1']
    const tap = await suite(...argv, '--format', 'tap')
    expect(tap.stdout).toMatch(/^TAP version 13\n1\.\.2\nok 1 - davit: kill-unknown\nnot ok 2 - true: kill-unknown\n/)
    expect(tap.stdout).toContain('$ kill conf-unknown TERM  # exit 0')
    const junit = await suite(...argv, '--format', 'junit')
    expect(junit.stdout).toMatch(/<testsuite name="davit [\d.]+" tests="1" failures="0" errors="0" skipped="0"/)
    expect(junit.stdout).toMatch(
      /<testcase classname="kill" name="kill-unknown" time="[\d.]+">\s*<failure message="kill/,
    )
  })
})

describe('the command line of the suite', () => {
  it('lists cases and what they cover without root', async () => {
    const { code, stdout } = await suite('--list', '--group', 'kill')
    expect(stdout).toMatch(
      /^kill\/kill-stopped\n {4}runtime\.md#kill: .*\n {4}covers runtime-kill-02, runtime-kill-03$/m,
    )
    expect(stdout).not.toContain('create/')
    expect(code).toBe(0)
  })

  it.each([
    [['--runtime', '/nowhere/runtime'], '/nowhere/runtime --version: '],
    [['--runtime', '/bin/false'], '/bin/false --version: exit 1'],
    [['--lifecycles', '1.5'], '--lifecycles 1.5 is no number from 1 on'],
    [['--jobs', '0'], '--jobs 0 is no number from 1 on'],
    [['--group', 'none'], 'no group "none": there are create, '],
    [['--filter', '^none$'], 'no case is selected'],
    [['--filter', '('], '--filter "(" is no regular expression'],
    [['--format', 'pdf'], 'no format "pdf": there are tap, junit, json, html, md'],
    [['--format', 'tap', '--format', 'json'], 'several formats need --out'],
    [['--runtime', RUNTIME, '--format', 'tap', '--out', '/dev/null'], '--out /dev/null: EEXIST'],
    [['--nonsense'], "unknown option '--nonsense'"],
    [[], '--runtime is missing'],
  ])('%j ends with 2 and a line', async (args, line) => {
    const { code, stdout, stderr } = await suite(...args)
    expect(stderr).toMatch(/^davit-conformance: [^\n]+\n$/)
    expect(stderr).toContain(line)
    expect([code, stdout]).toEqual([2, ''])
  })
})
