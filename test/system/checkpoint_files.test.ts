/** What processes hold on to, by the flags of checkpoint and restore: names of files, connections, memory. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, createStart } from '../support/bundle.ts'
import { COUNT, checkpoint, counting, goesOn, image, LIMIT, restore } from '../support/checkpoint.ts'
import { CRIU, criuCan } from '../support/criu.ts'
import { requires } from '../support/requires.ts'
import { davit, must, state } from '../support/runtime.ts'
import { scratch } from '../support/scratch.ts'
import { until } from '../support/wait.ts'

/** A container that prepares something, and counts then. */
async function after(script: string): Promise<Bundle> {
  const made = await bundle((config) => {
    config.root.readonly = false
    config.process.args = ['/bin/sh', '-c', `${script}; ${COUNT}`]
  })
  await createStart(made)
  await until('it to count', () => readFileSync(`${made.path}/output`, 'utf8').includes('3\n'))
  return made
}

/** The checkpoint is refused for these words without a flag. */
async function refused(of: Bundle, words: RegExp): Promise<void> {
  const { code, stderr } = await davit(['checkpoint', '--image-path', image('refused'), of.id], LIMIT)
  expect([code, stderr]).toEqual([1, expect.stringMatching(words)])
}

describe.runIf(requires('root', CRIU))('checkpoint and restore', LIMIT, () => {
  test('--link-remap: an open file that has lost its name, but has another', async () => {
    const made = await after('echo begin >/tmp/a; exec 9>>/tmp/a; ln /tmp/a /tmp/b; rm /tmp/a')
    await refused(made, /link-remap|link remap|linked/i)
    await checkpoint(made, '--link-remap')
    await restore(made)
    const { pid } = await state(made.id)
    const inode = (path: string) => statSync(path).ino
    expect(inode(`/proc/${pid}/fd/9`)).toBe(inode(`${made.rootfs}/tmp/b`))
    // The name that criu has made for it is gone again.
    expect(readdirSync(`${made.rootfs}/tmp`)).toEqual(['b'])
    await goesOn(made)
  })

  test('--file-locks: a lock is held again', async () => {
    const made = await after('exec 9>/tmp/lock; probe lock 9')
    const inode = statSync(`${made.rootfs}/tmp/lock`).ino
    /** Processes that hold a lock of the file: proc_locks(5). */
    const holders = () =>
      readFileSync('/proc/locks', 'utf8')
        .split('\n')
        .filter((line) => line.includes(' FLOCK ') && line.includes(`:${inode} `))
        .map((line) => Number(line.split(/ +/)[4]))
    const first = holders()
    expect(first).toHaveLength(1)
    await refused(made, /file.lock/i)
    expect(holders()).toEqual(first)
    await checkpoint(made, '--file-locks')
    expect(holders()).toEqual([])
    await restore(made, '--file-locks')
    expect(holders()).toEqual([(await state(made.id)).pid])
    await goesOn(made)
  })

  test('--tcp-close: connections come back closed, and who has none goes on', async () => {
    const talk =
      '(nc -l -p 5556 -e cat & sleep 1; { while :; do sleep 0.2; echo x; done; } | nc 127.0.0.1 5556) >/dev/null &'
    const made = await after(`${talk} sleep 0`)
    const established = async () => {
      const { pid } = await state(made.id)
      const tables = ['tcp', 'tcp6'].map((name) => readFileSync(`/proc/${pid}/net/${name}`, 'utf8')).join('')
      return tables.match(/:[0-9A-F]{4} 01 /g)?.length ?? 0
    }
    await until('a connection', async () => (await established()) === 2)
    await checkpoint(made, '--tcp-established')
    await restore(made, '--tcp-close')
    expect(await established()).toBe(0)
    await goesOn(made)
  })

  test.each(['iptables', 'nftables', 'skip'])('--network-lock %s: a connection outlives it', async (how) => {
    const talk =
      '(nc -l -p 5557 -e cat & sleep 1; { while :; do sleep 0.2; echo x; done; } | nc 127.0.0.1 5557) >/tmp/said &'
    const made = await after(`${talk} sleep 0`)
    const said = () => (existsSync(`${made.rootfs}/tmp/said`) ? statSync(`${made.rootfs}/tmp/said`).size : 0)
    await until('talk', () => said() > 4)
    await checkpoint(made, '--tcp-established', '--network-lock', how)
    await restore(made, '--tcp-established', '--network-lock', how)
    const before = said()
    await until('more talk', () => said() > before + 4)
  })
})

describe.runIf(requires('root', CRIU, criuCan('mem_dirty_track')))('--auto-dedup', LIMIT, () => {
  test('frees in the parent image what the later one has, too', async () => {
    const made = await counting()
    await must(['checkpoint', '--pre-dump', '--image-path', image('before'), made.id], LIMIT)
    const { id } = made
    const blocks = () => statSync(`${scratch()}/before/pages-1.img`).blocks
    const whole = blocks()
    const later = ['--parent-path', '../before']
    await must(['checkpoint', '--leave-running', ...later, '--image-path', image('plain'), id], LIMIT)
    expect(blocks()).toBe(whole)
    await checkpoint(made, ...later, '--auto-dedup')
    expect(blocks()).toBeLessThan(whole)
    await restore(made)
    await goesOn(made)
  })
})
