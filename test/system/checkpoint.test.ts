/** checkpoint and restore, by a criu that works. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bundle, createStart } from '../support/bundle.ts'
import { directoryOf, hierarchies } from '../support/cgroups.ts'
import { checkpoint, counting, goesOn, ids, image, LIMIT, restore } from '../support/checkpoint.ts'
import { CRIU } from '../support/criu.ts'
import { mountsBelow, processesNaming } from '../support/leaks.ts'
import { requires } from '../support/requires.ts'
import { davit, must, startDavit, state, stateRoot } from '../support/runtime.ts'
import { scratch } from '../support/scratch.ts'
import { until } from '../support/wait.ts'

describe.runIf(requires('root', CRIU))('checkpoint', LIMIT, () => {
  test('ends the container, leaves an image for root alone, and nothing else', async () => {
    const made = await counting()
    expect(await checkpoint(made)).toBe('')
    expect(await ids()).toEqual(null)
    expect(statSync(image()).mode & 0o777).toBe(0o700)
    expect(readdirSync(image())).toEqual(expect.arrayContaining(['dump.log', 'descriptors.json', 'inventory.img']))
  })

  test('--leave-running leaves it as it was', async () => {
    const made = await counting()
    const { pid } = await state(made.id)
    await checkpoint(made, '--leave-running')
    expect(await state(made.id)).toMatchObject({ status: 'running', pid })
    await goesOn(made)
  })

  test('takes a paused container, too', async () => {
    const made = await counting()
    await must(['pause', made.id])
    await checkpoint(made, '--leave-running')
    expect((await state(made.id)).status).toBe('paused')
    await must(['resume', made.id])
    await goesOn(made)
  })

  test.each([
    ['created', 'create'],
    ['stopped', 'run'],
  ])('refuses a %s container', async (status, verb) => {
    const made = await bundle(['/bin/true'])
    const args = verb === 'run' ? ['--keep'] : []
    await must([verb, '--bundle', made.path, ...args, made.id], { output: `${made.path}/output` })
    const { code, stderr } = await davit(['checkpoint', '--image-path', image(), made.id])
    expect([code, stderr]).toEqual([1, expect.stringContaining(`container cannot be checkpointed in ${status} state`)])
    expect(existsSync(image())).toBe(false)
  })

  test('that fails tells what criu says and where, and the container goes on', async () => {
    const made = await counting((config) => {
      config.root.readonly = false
    })
    // Of such a mount config.json, and so criu, knows nothing.
    mkdirSync(`${scratch()}/more`)
    writeFileSync(
      `${scratch()}/mounts.json`,
      JSON.stringify([{ destination: '/more', source: `${scratch()}/more`, options: ['bind'] }]),
    )
    await must(['mounts', 'add', made.id, `${scratch()}/mounts.json`])
    const { code, stderr } = await davit(['checkpoint', '--image-path', image(), made.id], LIMIT)
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/criu failed to checkpoint: .*Error \(.*; log file: .*dump\.log/),
    ])
    await goesOn(made)
  })
})

describe.runIf(requires('root', CRIU))('restore', LIMIT, () => {
  test('goes on where it was, in cgroups and namespaces of its own', async () => {
    const made = await counting()
    const before = readFileSync(`/proc/${(await state(made.id)).pid}/cgroup`, 'utf8')
    await checkpoint(made)
    const pidFile = `${scratch()}/pid`
    expect(await restore(made, '--pid-file', pidFile)).toBe('')
    const { status, pid } = await state(made.id)
    expect([status, readFileSync(pidFile, 'utf8')]).toEqual(['running', String(pid)])
    expect(readFileSync(`/proc/${pid}/cgroup`, 'utf8')).toBe(before)
    await goesOn(made)
    expect(await must(['exec', made.id, 'cat', '/proc/1/cmdline'])).toContain('i=$((i+1))')
    expect(mountsBelow(scratch())).toEqual([])
  })

  test('under another id, with other limits', async () => {
    const made = await counting()
    await checkpoint(made)
    made.configure((config) => {
      config.linux.resources = { ...config.linux.resources, pids: { limit: 123 } }
    })
    const id = `${made.id}-again`
    await must(['restore', '-d', '-b', made.path, '--image-path', image(), id], {
      ...LIMIT,
      output: `${made.path}/output`,
    })
    const { pid } = await state(id)
    expect(readFileSync(`/proc/${pid}/cgroup`, 'utf8')).toContain(`/${id}\n`)
    expect(readFileSync(`${directoryOf(pid, hierarchies().pids ? 'pids' : '')}/pids.max`, 'utf8')).toBe('123\n')
    await must(['delete', '--force', id])
  })

  test('in the foreground: signals go through, the exit code comes back, nothing is left', async () => {
    const made = await bundle((config) => {
      config.process.args = ['/bin/sh', '-c', 'trap "exit 7" TERM; echo >/tmp/up; while :; do sleep 0.1; done']
      config.root.readonly = false
    })
    await createStart(made)
    await until('the trap', () => existsSync(`${made.rootfs}/tmp/up`))
    await checkpoint(made)
    const restored = startDavit(['restore', '--bundle', made.path, '--image-path', image(), made.id], {
      ...LIMIT,
      output: `${made.path}/output`,
    })
    await until(
      'running',
      async () => (await ids())?.[0]?.id === made.id && (await state(made.id)).status === 'running',
      60_000,
    )
    restored.child.kill('SIGTERM')
    expect(await restored.done).toMatchObject({ code: 7 })
    expect(await ids()).toEqual(null)
  })

  test('that is interrupted while criu works leaves nothing, with cgroups and without', async () => {
    const before = await bundle((config) => {
      config.process.args = ['/bin/sleep', '1000']
    })
    await createStart(before)
    await checkpoint(before)
    // criu is stopped for ever, with the processes that it has made, when it has begun.
    const stop = `pid=$(sed 's/.*"pid":\\([0-9]*\\).*/\\1/'); echo $pid >${scratch()}/restored
for worker in $(pgrep -P $PPID criu); do [ $worker = $pid ] || kill -STOP $worker; done; touch ${scratch()}/stopped`
    before.configure((config) => {
      config.hooks = {
        createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', stop], env: [`PATH=${process.env.PATH}`] }],
      }
    })
    for (const global of [[], ['--cgroup-manager', 'disabled']]) {
      rmSync(`${scratch()}/stopped`, { force: true })
      const line = [...global, 'restore', '--bundle', before.path, '--image-path', image(), before.id]
      const restored = startDavit(line, LIMIT)
      await until('criu is stopped', () => existsSync(`${scratch()}/stopped`), 60_000)
      const pid = readFileSync(`${scratch()}/restored`, 'utf8').trim()
      expect(existsSync(`/proc/${pid}`)).toBe(true)
      restored.child.kill('SIGTERM')
      expect(await restored.done).toMatchObject({ code: 143 })
      expect(existsSync(`/proc/${pid}`)).toBe(false)
      expect([await ids(), mountsBelow(scratch()), readdirSync(stateRoot())]).toEqual([null, [], []])
      expect(await processesNaming(before.path, [before.id])).toEqual([])
    }
  })

  test('that fails leaves nothing, and tells what criu says', async () => {
    const made = await counting()
    await checkpoint(made)
    rmSync(`${image()}/pages-1.img`)
    const { code, stderr } = await davit(['restore', '-d', '-b', made.path, '--image-path', image(), made.id], LIMIT)
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/criu failed to restore: .*Error .*; log file: .*restore\.log/),
    ])
    expect([await ids(), mountsBelow(scratch()), readdirSync(stateRoot())]).toEqual([null, [], []])
  })
})
