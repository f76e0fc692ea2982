/** A short run of the fuzzers, with the same inputs each time; `make fuzz` runs them for an hour, with new ones. */
import { execFileSync } from 'node:child_process'
import { beforeAll, describe, expect, test } from 'vitest'
import { exec } from '../support/exec.ts'
import { patience } from '../support/pace.ts'
import { repositoryPath } from '../support/place.ts'
import { command, requires } from '../support/requires.ts'

const SECONDS = 8
const SEED = process.env.SEED ?? '20784'

/** What some inputs of each must have come to, or most of it is not tried at all. */
const TARGETS = {
  config: ['planned', 'refused'],
  command: ['explained', 'command'],
  files: ['accounts', 'cgroups', 'numbers', 'streams', 'criuLog', 'schemata', 'filter'],
  state: ['state done', 'state refused', 'force done', 'exec done'],
  prepared: [
    ...['spoilt left to the engine', 'intact left to the engine', 'engine'],
    ...['start without the engine', 'delete without the engine'],
  ],
  program: ['exit 1', 'exit 0'],
} as const

describe.runIf(requires('root', command('unshare'), command('cc')))('fuzzing', () => {
  beforeAll(() => {
    execFileSync('make', ['-s', 'native-tests'], { cwd: repositoryPath('.'), stdio: ['ignore', 'ignore', 'inherit'] })
  }, patience(120_000))

  test.each(Object.entries(TARGETS))('%s', { timeout: patience(120_000) }, async (target, reached) => {
    const argv = [repositoryPath('test/fuzz/main.ts'), String(SECONDS), SEED, target]
    const bun = repositoryPath('node_modules/bun/bin/bun.exe')
    const { code, stdout, stderr } = await exec(bun, argv, { timeout: 100_000 })
    console.log(stdout.split('\n')[0])
    expect(stdout).toMatch(/^\w+: seed \d+, \d+ inputs, \d+\/s, 0 faults; .*\n$/)
    for (const outcome of reached) expect(stdout).toMatch(new RegExp(`[ ;][1-9]\\d* ${outcome}[,\n]`))
    expect([code, stderr]).toEqual([0, ''])
  })
})
