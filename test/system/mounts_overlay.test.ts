/** Overlays of config.json. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, run, tryCreate } from '../support/bundle.ts'
import { kernel, requires } from '../support/requires.ts'

/** A bundle with an overlay of so many layers on /over; the names of the layers are as long as names may be. */
async function overlay(layers: number, script: string): Promise<Bundle> {
  const made = await bundle((config) => {
    config.root.readonly = false
    config.process.args = ['/bin/sh', '-c', script]
  })
  const lower = Array.from({ length: layers }, (_, i) => `${made.path}/${i}:${'l'.repeat(200)}`)
  for (const [i, path] of lower.entries()) {
    mkdirSync(path)
    writeFileSync(`${path}/file-${i}`, `of ${i}`)
    writeFileSync(`${path}/common`, `of ${i}`)
  }
  for (const name of ['upper', 'work']) mkdirSync(`${made.path}/${name}`)
  const escaped = lower.map((path) => path.replaceAll(':', '\\:')).join(':')
  const options = [`lowerdir=${escaped}`, `upperdir=${made.path}/upper`, `workdir=${made.path}/work`]
  made.configure((config) => {
    config.mounts.push({ destination: '/over', type: 'overlay', source: 'overlay', options })
  })
  return made
}

describe.runIf(requires('root', kernel('6.8')))('an overlay', () => {
  test.each([1, 10])('of %i layers with long names', async (layers) => {
    const made = await overlay(layers, 'cat /over/common; ls /over | wc -l; echo new >/over/written')
    const { code, stdout, stderr } = await run(made)
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: `of 0${layers + 1}\n`, stderr: '' })
    expect(readFileSync(`${made.path}/upper/written`, 'utf8')).toBe('new\n')
  })

  test('with a longer value than the kernel takes is refused before anything is made', async () => {
    const made = await overlay(1, 'true')
    made.configure((config) => {
      const { options } = config.mounts.at(-1) as { options: string[] }
      options.splice(1, 1, `upperdir=/${'u'.repeat(255)}`)
    })
    const { code, stderr } = await tryCreate(made)
    expect(code).toBe(1)
    expect(stderr).toMatch(/\/mounts\/\d+\/options: the value of \\*"upperdir\\*" has more than the 255 bytes/)
  })
})
