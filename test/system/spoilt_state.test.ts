/** state.json and the kept config.json, when somebody has changed them: a line that says so, and nothing is touched. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, createStart } from '../support/bundle.ts'
import { execIn } from '../support/in_container.ts'
import { requires } from '../support/requires.ts'
import { davit, state, stateRoot } from '../support/runtime.ts'
import { atEnd, scratch } from '../support/scratch.ts'

/** A container that runs, and a way to change a file of its state, which is put back at the end. */
async function spoilt(): Promise<{ made: Bundle; spoil: (file: string, change: (text: string) => string) => void }> {
  mkdirSync(stateRoot(), { recursive: true })
  const made = await bundle(['sleep', '600'], { applets: ['sleep', 'true'] })
  await createStart(made)
  const spoil = (file: string, change: (text: string) => string) => {
    const path = `${stateRoot()}/${made.id}/${file}`
    const text = readFileSync(path, 'utf8')
    atEnd(() => writeFileSync(path, text))
    const changed = change(text)
    expect(changed).not.toBe(text)
    writeFileSync(path, changed)
  }
  return { made, spoil }
}

describe.runIf(requires('root'))('state that somebody has spoilt', () => {
  test('a record that is none of the container: every verb says where, list leaves it out', async () => {
    const { made, spoil } = await spoilt()
    const { pid } = await state(made.id)
    spoil('state.json', (text) => text.replace('"v1":[', '"v1":[7,'))
    for (const line of [['state'], ['kill'], ['delete'], ['delete', '--force'], ['pause'], ['exec']]) {
      const words = line[0] === 'exec' ? ['true'] : []
      const { code, stdout, stderr } = await davit([...line, made.id, ...words])
      expect(stderr).toMatch(
        /^davit: \w+ failed: read ".*state\.json": it is no record of this container: \/cgroup\/v1\/0\n$/,
      )
      expect([code, stdout]).toEqual([line[0] === 'exec' ? 255 : 1, ''])
    }
    expect(await davit(['list', '--quiet'])).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })
    expect(existsSync(`/proc/${pid}`)).toBe(true)
  })

  test('a record of another id is not taken for this one', async () => {
    const { made, spoil } = await spoilt()
    spoil('state.json', (text) => text.replace(`"id":"${made.id}"`, '"id":"other"'))
    expect((await davit(['state', made.id])).stderr).toMatch(/it is no record of this container: \/id\n$/)
  })

  test('a folder that is no cgroup is neither emptied nor removed', async () => {
    const { made, spoil } = await spoilt()
    const other = `${scratch()}/other`
    mkdirSync(other)
    spoil('state.json', (text) => text.replace('"v1":[', `"v1":["${other}",`))
    expect(await davit(['delete', '--force', made.id])).toEqual({
      code: 1,
      signal: null,
      stdout: '',
      stderr: `davit: delete failed: "${other}" is no cgroup\n`,
    })
    expect(existsSync(other)).toBe(true)
  })

  test('a configuration that is not what the container was made from is not acted on', async () => {
    const { made, spoil } = await spoilt()
    spoil('config.json', (text) => text.replace('"sleep"', '"slewp"'))
    const { code, stderr } = await execIn(made.id, ['true'])
    expect(stderr).toMatch(/^davit: exec failed: read ".*config\.json": it is not what the container was made from\n$/)
    expect(code).toBe(255)
  })
})
