/** `tmpcopyup` in a container that runs, and changes what is copied while it is: the host's helper must not be led. */
import { execFileSync } from 'node:child_process'
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Mount } from '../../src/spec/types.gen.ts'
import { attack } from '../support/attacker.ts'
import { bundle, type Config, createStart } from '../support/bundle.ts'
import { patience } from '../support/pace.ts'
import { requires } from '../support/requires.ts'
import { davit, state } from '../support/runtime.ts'

async function running(configure: (config: Config) => void = () => {}) {
  const made = await bundle((config) => {
    config.root.readonly = false
    config.process.args = ['/bin/sleep', '1000']
    configure(config)
  })
  mkdirSync(`${made.rootfs}/data`)
  await createStart(made)
  return { ...made, pid: (await state(made.id)).pid }
}

const change = (action: 'add' | 'remove', id: string, options: readonly string[] = ['size=4m']) => {
  const list: readonly Mount[] = [{ destination: '/data', type: 'tmpfs', options: ['tmpcopyup', ...options] }]
  return davit(['mounts', action, id, '-'], { stdin: JSON.stringify(list) })
}

describe.runIf(requires('root'))('tmpcopyup in a running container', () => {
  test('reads no device that is put in the place of a file', { timeout: patience(120_000) }, async () => {
    const { id, pid, rootfs } = await running()
    const text = 'x'.repeat(5000)
    writeFileSync(`${rootfs}/data/file`, text)
    execFileSync('mknod', [`${rootfs}/node`, 'c', '1', '5'])
    await attack('swapping', 'swap', `${rootfs}/data/file`, `${rootfs}/node`)
    const seen = { file: 0, device: 0 }
    for (let i = 0; i < 80; i++) {
      expect(await change('add', id)).toMatchObject({ code: 0, stderr: '' })
      const copy = `/proc/${pid}/root/data/file`
      if (statSync(copy).isFile()) {
        seen.file++
        // What the file was, or nothing at all where it was taken away: never the zeros of the device.
        expect(readFileSync(copy, 'utf8')).toBe(text)
      } else {
        seen.device++
        expect(statSync(copy)).toMatchObject({ rdev: 0x105 })
      }
      expect(await change('remove', id)).toMatchObject({ code: 0, stderr: '' })
    }
    expect(Math.min(seen.file, seen.device)).toBeGreaterThan(0)
  })

  test('leaves holes as they are', async () => {
    const { id, pid, rootfs } = await running()
    const fd = openSync(`${rootfs}/data/sparse`, 'w')
    ftruncateSync(fd, 10 * 2 ** 30)
    writeSync(fd, 'in the middle', 5 * 2 ** 30)
    closeSync(fd)
    expect(await change('add', id)).toMatchObject({ code: 0, stderr: '' })
    const copy = `/proc/${pid}/root/data/sparse`
    const { size, blocks } = statSync(copy)
    expect(size).toBe(10 * 2 ** 30)
    expect(blocks * 512).toBeLessThan(1 << 20)
    const middle = execFileSync('dd', [
      `if=${copy}`,
      'bs=4096',
      `skip=${(5 * 2 ** 30) / 4096}`,
      'count=1',
      'status=none',
    ])
    expect(middle.subarray(0, 14).toString()).toBe('in the middle\0')
  })

  test('is on the account of the container', async () => {
    const { id, pid, rootfs } = await running((config) => {
      config.linux.resources = { ...config.linux.resources, memory: { limit: 16 << 20 } }
    })
    for (let i = 0; i < 3; i++) writeFileSync(`${rootfs}/data/${i}`, Buffer.alloc(12 << 20, 'x'))
    const { code, stderr } = await change('add', id, [])
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/killed|no space|cannot allocate memory|memory limit|ended/),
    ])
    expect(readFileSync(`/proc/${pid}/mountinfo`, 'utf8')).not.toContain(' /data ')
  })
})
