/** Documents that are nested deeper than any stack: one line says so, and nothing is left. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bundle, createStart, run } from '../support/bundle.ts'
import { requires } from '../support/requires.ts'
import { davit, stateRoot } from '../support/runtime.ts'
import { scratch } from '../support/scratch.ts'

const DEEP = 1_000_000
const nested = '['.repeat(DEEP) + ']'.repeat(DEEP)
const oneLine = (words: RegExp) => expect.stringMatching(new RegExp(`^davit: ${words.source}\\n$`))

describe.runIf(requires('root'))('a million levels', () => {
  test('in config.json, which nothing need know', async () => {
    const made = await bundle()
    const path = `${made.path}/config.json`
    writeFileSync(path, readFileSync(path, 'utf8').replace('{', `{"x":${nested},`))
    const failed = { code: 1, stdout: '', stderr: oneLine(/run failed: .*config\.json.* nested too deeply.*/) }
    expect(await run(made)).toMatchObject(failed)
    expect(existsSync(`${stateRoot()}/${made.id}`)).toBe(false)
    const validated = await davit(['validate', '--bundle', made.path])
    expect(validated).toMatchObject({ code: 1, stdout: expect.stringContaining('nested too deeply') })
    // Not closed: where it breaks, and no more.
    writeFileSync(path, '['.repeat(DEEP))
    expect(await run(made)).toMatchObject({
      ...failed,
      stderr: oneLine(/run failed: parse .*unexpected end of text.*/),
    })
  })

  test('in what exec, update and their like are given', async () => {
    const made = await bundle(({ process }) => {
      process.args = ['/bin/sleep', '1000']
    })
    await createStart(made)
    const file = `${scratch()}/deep.json`
    const record = readFileSync(`${stateRoot()}/${made.id}/state.json`, 'utf8')
    const says = async (args: readonly string[], text: string, words: RegExp) => {
      writeFileSync(file, text)
      const { code, stdout, stderr } = await davit(args)
      expect({ code, stdout }).toEqual({ code: args[0] === 'exec' ? 255 : 1, stdout: '' })
      expect(stderr).toEqual(oneLine(words))
    }
    await says(['exec', '--process', file, made.id], nested, /exec failed: .*/)
    await says(['update', '--resources', file, made.id], `{"x":${nested}}`, /update failed: .*/)
    const known = `{"memory":{"limit":100000000,"x":${nested}}}`
    await says(['update', '--resources', file, made.id], known, /update failed: .* nested too deeply.*/)
    expect(readFileSync(`${stateRoot()}/${made.id}/state.json`, 'utf8')).toBe(record)
    const process = `{"args":["echo","hello"],"cwd":"/","env":["PATH=/bin"],"x":${nested}}`
    writeFileSync(file, process)
    expect(await davit(['exec', '--process', file, made.id])).toMatchObject({ code: 0, stdout: 'hello\n', stderr: '' })
  })

  test('in a state file, which somebody has spoilt', async () => {
    const made = await bundle(({ process }) => {
      process.args = ['/bin/true']
    })
    await createStart(made)
    const path = `${stateRoot()}/${made.id}/state.json`
    const text = readFileSync(path, 'utf8')
    writeFileSync(path, nested)
    expect((await davit(['state', made.id])).stderr).toMatch(
      /^davit: state failed: read ".*": it is no record of a container\n$/,
    )
    writeFileSync(path, text)
  })
})
