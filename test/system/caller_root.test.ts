/** A caller whose root is not the root of its mount namespace: a chroot, as build systems and some whole systems are. */
import { mkdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bundle } from '../support/bundle.ts'
import { exec } from '../support/exec.ts'
import { RUNTIME } from '../support/place.ts'
import { command, requires } from '../support/requires.ts'
import { davit, stateRoot } from '../support/runtime.ts'
import { scratch } from '../support/scratch.ts'

describe.runIf(requires('root', command('unshare')))('in a chroot', () => {
  test.each(['', '--no-pivot'])('a container, and what enters it, see the container’s root only %s', async (flag) => {
    const made = await bundle(['/bin/sleep', '1000'])
    const jail = `${scratch()}/jail`
    mkdirSync(jail)
    const line = `mount --make-rprivate / && mount --rbind / ${jail} && exec chroot ${jail} "$@"`
    const jailed = (...args: string[]) => {
      const argv = ['--mount', 'sh', '-c', line, 'sh', RUNTIME, '--root', stateRoot(), ...args]
      return exec('unshare', argv, { output: `${scratch()}/output` })
    }
    const flags = flag === '' ? [] : [flag]
    expect((await jailed('run', '--detach', ...flags, '--bundle', made.path, made.id)).code).toBe(0)

    // The path is the host's: nothing of it is to be seen, by init's way or by that of the namespace's root.
    const look = ['sh', '-c', `test ! -e ${made.path} && test -e /bin/probe && test ! -e /proc/1/root${made.path}`]
    expect(await davit(['exec', made.id, ...look])).toMatchObject({ code: 0, stderr: '' })
    expect((await jailed('exec', made.id, ...look)).code).toBe(0)
  })
})
