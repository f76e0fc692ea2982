/** Oversized and odd input from whoever writes a configuration: taken whole, or refused in one line with nothing made. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bundle, run } from '../support/bundle.ts'
import { cgroupsNamed } from '../support/leaks.ts'
import { refused } from '../support/refusal.ts'
import { requires } from '../support/requires.ts'

const SIZES = [65_535, 65_536, 70_000]

describe.runIf(requires('root'))('input', () => {
  // CVE-2021-43784
  test('strings around 65,535 bytes arrive whole or are refused', async () => {
    const made = await bundle(['sh', '-c', 'echo ${#LONG} ${#1}', 'sh'], { applets: ['sh', 'true'] })
    for (const size of SIZES) {
      made.configure((config) => {
        config.process.env = ['PATH=/bin', `LONG=${'e'.repeat(size)}`]
        config.process.args = ['sh', '-c', 'echo ${#LONG} ${#1}', 'sh', 'a'.repeat(size)]
      })
      expect(await run(made)).toMatchObject({ code: 0, stdout: `${size} ${size}\n`, stderr: '' })
    }
    made.configure((config) => {
      config.process.args = ['true']
      config.process.env = []
    })
    for (const size of SIZES) {
      const cwd = `/${'c'.repeat(size)}`
      made.configure((config) => void Object.assign(config.process, { cwd }))
      expect(await refused(made)).toContain('/process/cwd')
    }
    made.configure((config) => void Object.assign(config.process, { cwd: '/' }))
    for (const size of SIZES) {
      made.configure((config) => void Object.assign(config, { hostname: 'h'.repeat(size) }))
      expect(await refused(made)).toContain('/hostname')
    }
  })

  test('control characters never reach a line of the log as they are', async () => {
    const made = await bundle(['true'], { applets: ['true'] })
    for (const path of ['/\u001b[2J', '/a\nb', '/a\rdavit: all is well']) {
      made.configure((config) => {
        config.mounts = config.mounts.slice(0, 7)
        config.mounts.push({ destination: '/mnt', source: `/none${path}`, options: ['bind'] })
      })
      const log = `${made.path}/log`
      const { code, stderr } = await run(made, { global: ['--log', log, '--log-format', 'json'] })
      expect(code).toBe(1)
      for (const line of [stderr, readFileSync(log, 'utf8')]) expect(line).toMatch(/^\P{Cc}+\n$/u)
      rmSync(log)
    }
  })

  test('more paths than a plan has room for', async () => {
    const made = await bundle(['true'], { applets: ['true'] })
    made.configure((config) => {
      config.linux.maskedPaths = Array.from({ length: 70_000 }, (_, i) => `/none/${i}`)
    })
    // These share one step.
    expect(await run(made)).toMatchObject({ code: 0, stderr: '' })
    made.configure((config) => {
      config.linux.readonlyPaths = config.linux.maskedPaths ?? []
    })
    expect(await refused(made)).toContain('more than 65535 steps: too many mounts, devices or paths')
  })

  test('deep JSON and huge arrays', async () => {
    const made = await bundle(['true'], { applets: ['true'] })
    const depth = 200_000
    writeFileSync(`${made.path}/config.json`, `{"x":${'['.repeat(depth)}${']'.repeat(depth)}}`)
    expect(await refused(made)).not.toMatch(/stack|RangeError|\n/i)
    made.configure((config) => {
      config.process.env = Array.from({ length: 20_000 }, (_, i) => `V${i}=x`)
    })
    expect(await run(made)).toMatchObject({ code: 0, stderr: '' })
  })

  test('a cgroup path cannot climb out', async () => {
    const made = await bundle(['true'], { applets: ['true'] })
    for (const path of [`../../../${made.id}-out`, `/a/../../../${made.id}-out`, `/../${made.id}-out`]) {
      made.configure((config) => void Object.assign(config.linux, { cgroupsPath: path }))
      const { code, stderr } = await run(made)
      if (code !== 0) expect(stderr).toMatch(/^davit: run failed: [^\n]*cgroup[^\n]*\n$/i)
      expect(cgroupsNamed(`${made.id}-out`, '/sys/fs/cgroup', 2)).toEqual([])
    }
  })
})
