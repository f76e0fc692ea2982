/** Overlays of config.json. */
import { chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, createStart, run, tryCreate } from '../support/bundle.ts'
import { exec } from '../support/exec.ts'
import { kernel, requires } from '../support/requires.ts'
import { must } from '../support/runtime.ts'
import { until } from '../support/wait.ts'

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
      options.push(`redirect_dir=${'o'.repeat(256)}`)
    })
    const { code, stderr } = await tryCreate(made)
    expect(code).toBe(1)
    expect(stderr).toMatch(/\/mounts\/\d+\/options: the value of \\*"redirect_dir\\*" has more than the 255 bytes/)
  })
})

describe.runIf(requires('root', kernel('6.13')))('an overlay of layers with names longer than an option may be', () => {
  const script = 'cat /over/lower /over/upper; echo new >/over/written; rm /over/lower'

  /** Its layers, which belong to `owner`, and the mount. */
  async function longNames(owner: number) {
    const made = await bundle((config) => {
      config.root.readonly = false
      config.process.args = ['/bin/sh', '-c', script]
    })
    const path = (name: string) => `${made.path}/${name}:${'n'.repeat(200)}/${'m'.repeat(200)}`
    for (const name of ['lower', 'upper', 'work']) {
      mkdirSync(path(name), { recursive: true })
      writeFileSync(`${path(name)}/${name}`, `${name}\n`)
      for (const at of ['', `/${name}`]) chownSync(`${path(name)}${at}`, owner, owner)
    }
    const options = ['lower', 'upper', 'work'].map((name) => `${name}dir=${path(name).replaceAll(':', '\\:')}`)
    const mount = { destination: '/over', type: 'overlay', source: 'overlay', options }
    return { made, path, mount }
  }

  test.each([
    ['of the container’s', 0],
    ['in a user namespace', 100000],
  ])('works %s', async (_, owner) => {
    const { made, path, mount } = await longNames(owner)
    made.configure((config) => {
      config.mounts.push(mount)
      if (owner === 0) return
      config.linux.namespaces.push({ type: 'user' })
      config.linux.uidMappings = [{ containerID: 0, hostID: owner, size: 1000 }]
      config.linux.gidMappings = [{ containerID: 0, hostID: owner, size: 1000 }]
      mount.options.push('userxattr')
    })
    if (owner !== 0) await exec('chown', ['-R', '-h', `${owner}:${owner}`, made.rootfs])
    expect(await run(made)).toEqual(expect.objectContaining({ code: 0, stdout: 'lower\nupper\n', stderr: '' }))
    expect(readFileSync(`${path('upper')}/written`, 'utf8')).toBe('new\n')
    expect(readFileSync(`${path('lower')}/lower`, 'utf8')).toBe('lower\n')
  })

  test('works for a container that runs', async () => {
    const { made, path, mount } = await longNames(0)
    made.configure((config) => {
      config.process.args = ['/bin/sh', '-c', `until [ -e /over/upper ]; do sleep 0.05; done; ${script}`]
    })
    await createStart(made)
    writeFileSync(`${made.path}/mounts.json`, JSON.stringify([mount]))
    await must(['mounts', 'add', made.id, `${made.path}/mounts.json`])
    await until('the file in the upper layer', () => existsSync(`${path('upper')}/written`))
  })

  test('is told which layer is missing', async () => {
    const { made, path, mount } = await longNames(0)
    made.configure((config) => void config.mounts.push(mount))
    rmSync(path('work'), { recursive: true })
    const { code, stderr } = await tryCreate(made)
    expect(code).toBe(1)
    expect(stderr).toMatch(/mount \\*"overlay\\*" on .*, from \/mounts\/7: open .*work:.*no such file or directory/)
  })
})
