/** A state directory without room: what cannot be recorded is not done, and what has to be undone is undone. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, create, createStart, tryCreate } from '../support/bundle.ts'
import { value } from '../support/cgroups.ts'
import { requires } from '../support/requires.ts'
import { davit, must, stateRoot } from '../support/runtime.ts'
import { atEnd, scratch } from '../support/scratch.ts'

const FILL = '.fill'

/** Puts the state on a file system of its own; fills it, and makes room again. */
function smallState(): { fill(): void; empty(): void } {
  mkdirSync(stateRoot())
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'davit-test', stateRoot()])
  const path = `${stateRoot()}/${FILL}`
  const empty = () => rmSync(path, { force: true })
  atEnd(async () => {
    empty()
    for (const id of readdirSync(stateRoot())) await davit(['delete', '--force', id])
    execFileSync('umount', [stateRoot()])
  })
  const fill = () => {
    expect(() => writeFileSync(path, Buffer.alloc(1 << 20))).toThrow('ENOSPC')
  }
  return { fill, empty }
}

function sleeping(): Promise<Bundle> {
  return bundle((config) => {
    config.process.args = ['/bin/sleep', '1000']
  })
}

describe.runIf(requires('root'))('a full disk', () => {
  test('create fails and leaves nothing', async () => {
    const made = await sleeping()
    const { fill, empty } = smallState()
    fill()
    const { code, stderr } = await tryCreate(made)
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('no space left on device') })
    expect(readdirSync(stateRoot())).toEqual([FILL])
    empty()
    await create(made)
  })

  test('delete runs its poststop hooks', async () => {
    const made = await sleeping()
    const mark = `${scratch()}/ran`
    made.configure((config) => {
      config.hooks = { poststop: [{ path: '/bin/sh', args: ['sh', '-c', `cat > ${mark}`] }] }
    })
    const { fill } = smallState()
    await create(made)
    fill()
    expect(await must(['delete', '--force', made.id])).toBe('')
    expect(JSON.parse(readFileSync(mark, 'utf8'))).toMatchObject({ id: made.id, status: 'stopped' })
    expect(existsSync(`${stateRoot()}/${made.id}`)).toBe(false)
  })

  const memory = requires('cgroup1') ? ['memory', 'memory.limit_in_bytes'] : ['', 'memory.max']
  test.runIf(requires('cgroup1') || requires('cgroup2'))('update changes nothing', async () => {
    const [controller = '', file = ''] = memory
    const limit = (pid: number) => value(pid, controller, file)
    const made = await sleeping()
    const { fill, empty } = smallState()
    const { pid } = await createStart(made)
    await must(['update', '--memory', '64m', made.id])
    fill()
    expect(await davit(['update', '--memory', '32m', made.id])).toMatchObject({ code: 1 })
    expect(limit(pid)).toBe(`${64 << 20}`)
    empty()
    await must(['update', '--memory', '32m', made.id])
    expect(limit(pid)).toBe(`${32 << 20}`)
  })
})
