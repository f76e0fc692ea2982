/** The flags of checkpoint and restore, as far as one machine shows what they do. */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bundle, createStart } from '../support/bundle.ts'
import { directoryOf, hierarchies } from '../support/cgroups.ts'
import { checkpoint, counting, goesOn, image, LIMIT, restore } from '../support/checkpoint.ts'
import { CRIU, criuCan, criuPath } from '../support/criu.ts'
import { start } from '../support/exec.ts'
import { RUNTIME } from '../support/place.ts'
import { startProbe } from '../support/probe.ts'
import { requires } from '../support/requires.ts'
import { davit, must, state, stateRoot } from '../support/runtime.ts'
import { atEnd, scratch } from '../support/scratch.ts'
import { until } from '../support/wait.ts'

const PORT = 27_277

describe.runIf(requires('root', CRIU, criuCan('mem_dirty_track')))('--pre-dump', LIMIT, () => {
  test('saves memory while the container runs, and --parent-path what has changed since', async () => {
    const made = await counting()
    const { pid } = await state(made.id)
    await must(['checkpoint', '--pre-dump', '--image-path', image('before'), made.id], LIMIT)
    expect(await state(made.id)).toMatchObject({ status: 'running', pid })
    expect(existsSync(`${image('before')}/pages-1.img`)).toBe(true)
    await checkpoint(made, '--parent-path', '../before')
    await restore(made)
    await goesOn(made)
  })
})

describe.runIf(requires('root', CRIU, criuCan('uffd-noncoop')))('--lazy-pages', LIMIT, () => {
  test('hands memory out by a page server, and --status-fd tells when it can be had', async () => {
    const made = await counting()
    const server = `127.0.0.1:${PORT}`
    const status = `${scratch()}/status`
    const flags = `--lazy-pages --page-server ${server} --status-fd 5 --image-path ${image()}`
    const root = `${scratch()}/root`
    const dump = start(
      '/bin/sh',
      ['-c', `exec "$0" --root ${root} checkpoint ${flags} ${made.id} 5>${status}`, RUNTIME],
      LIMIT,
    )
    await until('the status', () => existsSync(status) && readFileSync(status).length === 1, 60_000)
    const daemon = ['lazy-pages', '--page-server', '--address', '127.0.0.1', '--port', String(PORT), '-D', image()]
    const pages = start(criuPath(), daemon, LIMIT)
    const again = `${made.id}-again`
    await until('its socket', () => existsSync(`${image()}/lazy-pages.socket`), 60_000)
    const line = ['restore', '-d', '-b', made.path, '--lazy-pages', '--image-path', image(), again]
    await must(line, { ...LIMIT, output: `${made.path}/output` })
    expect([(await dump.done).code, (await pages.done).code]).toEqual([0, 0])
    await goesOn(made)
    await must(['delete', '--force', again])
  })
})

describe.runIf(requires('root', CRIU))('checkpoint', LIMIT, () => {
  test.each([
    ['--parent-path', '/tmp', '--parent-path must be relative'],
    ['--parent-path', '../none', 'parent image "../none": no such directory'],
    ['--status-fd', '99', '--status-fd 99: not open'],
    ['--page-server', 'here', '--page-server "here": it must be ADDRESS:PORT'],
    ['--empty-ns', 'ipc', 'namespace "ipc" is not supported by --empty-ns'],
  ])('%s %s is refused, and the container goes on', async (flag, value, words) => {
    const made = await counting()
    const { code, stderr } = await davit(['checkpoint', '--image-path', image(), flag, value, made.id], LIMIT)
    expect([code, stderr]).toEqual([1, expect.stringContaining(words)])
    await goesOn(made)
  })

  test('--work-path has the log of either verb', async () => {
    const made = await counting()
    const work = `${scratch()}/work`
    await checkpoint(made, '--work-path', work)
    await restore(made, '--work-path', work)
    expect([existsSync(`${work}/dump.log`), existsSync(`${work}/restore.log`)]).toEqual([true, true])
    expect(existsSync(`${image()}/dump.log`)).toBe(false)
  })

  test('--tcp-established keeps connections, which otherwise are refused', async () => {
    const talk =
      'nc -l -p 5555 -e cat & sleep 0.5; { echo one; while :; do sleep 0.2; echo more; done; } | nc 127.0.0.1 5555'
    const made = await bundle(talk)
    const said = () => readFileSync(`${made.path}/output`, 'utf8').split('\n').length
    await createStart(made)
    await until('talk', () => said() > 3)
    expect((await davit(['checkpoint', '--image-path', image(), made.id], LIMIT)).stderr).toMatch(/tcp/i)
    await checkpoint(made, '--tcp-established', '--tcp-skip-in-flight')
    await restore(made, '--tcp-established')
    const before = said()
    await until('more talk', () => said() > before + 2)
  })

  // Not "strict", which wants cgroups that are not there yet: davit has made them.
  test.each(['soft', 'full', 'ignore'])('--manage-cgroups-mode %s: it is in its cgroup again', async (mode) => {
    const made = await counting()
    const controller = hierarchies().pids ? 'pids' : ''
    const before = directoryOf((await state(made.id)).pid, controller)
    await checkpoint(made, '--manage-cgroups-mode', mode)
    await restore(made, '--manage-cgroups-mode', mode)
    expect(directoryOf((await state(made.id)).pid, controller)).toBe(before)
    await goesOn(made)
  })

  test('--empty-ns network: the namespace comes back without what was in it', async () => {
    const made = await counting()
    await checkpoint(made, '--empty-ns', 'network')
    await restore(made, '--empty-ns', 'network')
    expect(await must(['exec', made.id, 'ip', '-o', 'link'])).toMatch(/^1: lo: [^\n]*\n$/)
    await goesOn(made)
  })
})

describe.runIf(requires('root', CRIU))('streams', LIMIT, () => {
  test('that are pipes of the caller become those of whoever restores', async () => {
    const made = await bundle('while read x; do echo "got $x"; done')
    const shell = (script: string) =>
      start('/bin/sh', ['-c', script, RUNTIME, `${scratch()}/root`, made.path, made.id, scratch()], LIMIT)
    const said = (name: string) => existsSync(`${scratch()}/${name}`) && readFileSync(`${scratch()}/${name}`, 'utf8')
    const first = shell('(echo one; exec sleep 20) | "$0" --root "$1" run -b "$2" "$3" 2>>"$4/err" | cat >"$4/one"')
    await until('an answer', () => said('one') === 'got one\n')
    await checkpoint(made)
    await shell('echo two | "$0" --root "$1" restore -b "$2" --image-path "$4/image" "$3" 2>>"$4/err" | cat >"$4/two"')
      .done
    expect(said('two')).toBe('got two\n')
    await first.done
  })

  test.each([[[]], [['--shell-job']]])('that are the terminal of the caller, too: %j', async (flags) => {
    const made = await bundle('while read x; do echo "got $x"; done')
    const onTerminal = async (...args: string[]) => {
      const running = await startProbe(['pty', '24', '80', RUNTIME, '--root', stateRoot(), ...args, made.id])
      atEnd(() => void running.child.kill('SIGKILL'))
      return running
    }
    const folder = ['--image-path', image(), ...flags]
    const first = await onTerminal('run', '--bundle', made.path)
    first.write('one\n')
    await until('an answer', () => first.stdout().includes('got one'))
    const dump = await onTerminal('checkpoint', ...folder)
    expect((await dump.done).stderr, dump.stdout()).toContain('end 0\n')
    await first.done
    const second = await onTerminal('restore', '--bundle', made.path, ...folder)
    second.write('two\n')
    await until('another answer', () => second.stdout().includes('got two'))
    await must(['kill', made.id, 'KILL'])
    expect((await second.done).stderr).toContain('end 137\n')
  })
})
