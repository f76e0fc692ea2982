/**
 * The parsers inside an executable that Bun compiled, run far from the sources: yargs must not want files of
 * node_modules, nor believe those it finds in the current directory.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const PROJECT = fileURLToPath(new URL('../../..', import.meta.url))

const MAIN = `
import { parseArgv } from ${JSON.stringify(join(PROJECT, 'src/cli/parse.ts'))}
const argv = process.argv.slice(2)
let parsed = parseArgv(argv)
if (parsed.kind === 'slow') {
  try {
    const { parseSlowly } = await import(${JSON.stringify(join(PROJECT, 'src/cli/yargs.ts'))})
    parsed = await parseSlowly(argv)
  } catch (error) {
    parsed = { error: error.message }
  }
}
process.stdout.write(JSON.stringify(parsed))
`

const FLAGS = '--compile --bytecode --format=esm --splitting --no-compile-autoload-bunfig --no-compile-autoload-dotenv'

describe('compiled', { timeout: 60_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'davit-cli-'))
  const cwd = join(folder, 'cwd')

  beforeAll(() => {
    writeFileSync(join(folder, 'main.ts'), MAIN)
    const bun = join(PROJECT, 'node_modules/.bin/bun')
    execFileSync(bun, ['build', ...FLAGS.split(' '), 'main.ts', '--outfile', 'main'], { cwd: folder, stdio: 'pipe' })
    mkdirSync(join(cwd, 'locales'), { recursive: true })
    writeFileSync(join(cwd, 'package.json'), '{"version":"6.6.6","yargs":{"boolean-negation":true}}')
    for (const locale of ['en', 'en_US', 'de']) {
      writeFileSync(join(cwd, 'locales', `${locale}.json`), '{"Options:":"from the current directory"}')
    }
  }, 60_000)

  afterAll(() => rmSync(folder, { recursive: true }))

  function run(env: Record<string, string>, ...argv: string[]) {
    const { stdout, stderr, status } = spawnSync(join(folder, 'main'), argv, { cwd, env, encoding: 'utf8' })
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
    return JSON.parse(stdout)
  }

  it('helps without an environment', () => {
    const { text } = run({}, 'create', '--help')
    expect(text).toMatch(/^davit create \[flags\] <id>\n[\s\S]*\nOptions:\n[\s\S]*--pid-file/)
    expect(run({}).text).toContain('davit start')
  })

  it('helps in English whatever the locale', () => {
    expect(run({ LC_ALL: 'de_DE.UTF-8', LANG: 'de_DE.UTF-8', LANGUAGE: 'de' }, '--help').text).toContain('Options:')
  })

  it('tells of usage errors in its own words', () => {
    expect(run({}, 'create', '--foo', 'c')).toEqual({ error: 'create: unknown flag --foo' })
  })

  it('takes the hot path for what engines say', () => {
    expect(run({}, '--root', '/r', 'kill', 'c', '9')).toMatchObject({ verb: 'kill', positionals: { signal: '9' } })
  })
})
