import { describe, expect, expectTypeOf, it } from 'vitest'
import { GLOBALS, type GlobalOptions } from '../../../src/cli/globals.ts'
import type { OptionSpec, OptionTable } from '../../../src/cli/option.ts'
import { parseArgv } from '../../../src/cli/parse.ts'
import { type CommandOf, VERBS } from '../../../src/cli/table.ts'

/** Parses a command line given as words separated by single blanks. */
function parse(line: string) {
  return parseArgv(line === '' ? [] : line.split(' '))
}

const GLOBAL_DEFAULTS = {
  'log-format': 'text',
  rootless: 'auto',
  debug: false,
  'systemd-cgroup': false,
  version: false,
  help: false,
}

describe('calls that engines make', () => {
  it('containerd: create', () => {
    const line = '--root /r --log /b/log.json --log-format json create --bundle /b --pid-file /b/init.pid c1'
    expect(parse(line)).toEqual({
      kind: 'command',
      verb: 'create',
      global: { ...GLOBAL_DEFAULTS, root: '/r', log: '/b/log.json', 'log-format': 'json' },
      options: {
        bundle: '/b',
        'pid-file': '/b/init.pid',
        'preserve-fds': 0,
        'no-pivot': false,
        'no-new-keyring': false,
        'no-subreaper': false,
      },
      positionals: { id: 'c1' },
      rest: [],
    })
  })

  it('podman and conmon: create', () => {
    const parsed = parse(
      '--log-format=json --log /l create --bundle /b --pid-file /p --console-socket /s --preserve-fds 2 c',
    )
    expect(parsed).toMatchObject({
      verb: 'create',
      global: { 'log-format': 'json' },
      options: { 'console-socket': '/s', 'preserve-fds': 2 },
    })
  })

  it.each([
    ['kill c 9', { verb: 'kill', options: { all: false }, positionals: { id: 'c', signal: '9' } }],
    ['kill --all c 9', { verb: 'kill', options: { all: true }, positionals: { id: 'c', signal: '9' } }],
    ['kill c', { verb: 'kill', positionals: { id: 'c', signal: 'SIGTERM' } }],
    ['delete --force c', { verb: 'delete', options: { force: true } }],
    ['delete c --force', { verb: 'delete', options: { force: true }, positionals: { id: 'c' } }],
    ['--systemd-cgroup --rootless=true state c', { global: { 'systemd-cgroup': true, rootless: 'true' } }],
    ['--rootless false state c', { global: { rootless: 'false' } }],
    ['--criu /x/criu state c', { global: { criu: '/x/criu' } }],
    ['list --format=json', { options: { format: 'json', quiet: false } }],
    ['--version', { kind: 'version' }],
    ['-v', { kind: 'version' }],
    ['--log /l --version anything --at all', { kind: 'version', global: { log: '/l' } }],
  ])('%s', (line, expected) => {
    expect(parse(line)).toMatchObject(expected)
  })
})

describe('spellings', () => {
  it.each([
    ['run -b /b c', { bundle: '/b' }],
    ['run -b=/b c', { bundle: '/b' }],
    ['run -bundle /b c', { bundle: '/b' }],
    ['run -bundle=/b c', { bundle: '/b' }],
    ['run --bundle= c', { bundle: '' }],
    ['run --bundle=a=b c', { bundle: 'a=b' }],
    ['run --bundle --detach c', { bundle: '--detach', detach: false }],
    ['run --bundle -- c', { bundle: '--' }],
    ['run -b /1 --bundle /2 c', { bundle: '/2' }],
    ['run --detach=false c', { detach: false }],
    ['run -d=true c', { detach: true }],
    ['run --preserve-fds 007 c', { 'preserve-fds': 7 }],
  ])('%s', (line, options) => {
    expect(parse(line)).toMatchObject({ kind: 'command', options, positionals: { id: 'c' } })
  })

  it('ends the flags at --', () => {
    expect(parse('kill -- -c -9')).toMatchObject({ positionals: { id: '-c', signal: '-9' } })
    expect(parse('kill c -- --all')).toMatchObject({ options: { all: false }, positionals: { signal: '--all' } })
  })

  it('takes an empty string and a single dash for words', () => {
    expect(parseArgv(['state', ''])).toMatchObject({ positionals: { id: '' } })
    expect(parseArgv(['state', '-'])).toMatchObject({ positionals: { id: '-' } })
  })
})

describe('what is left to yargs', () => {
  it.each([
    '',
    'nosuch',
    '--help',
    '-h',
    'create --help',
    'create -h c',
    '--help --version',
    'state',
    'state a b',
    'list a',
    'create --foo c',
    '--foo create c',
    'create --root /r c',
    'run --bundle',
    'run -db /b c',
    'run -b/b c',
    'run --b /b c',
    'run --detach=yes c',
    'run --preserve-fds x c',
    'run --preserve-fds -1 c',
    'run --preserve-fds 1.5 c',
    'run --preserve-fds= c',
    'run --preserve-fds 9999999999999999 c',
    'list --format yaml',
    '--rootless=maybe list',
    '--log-format xml list',
    '--',
    '-',
    '-= list',
    '--= list',
    '--=x list',
    'toString x',
    'state --constructor x',
    'run --__proto__=1 c',
    'state --no-force c',
  ])('%s', (line) => {
    expect(parse(line)).toEqual({ kind: 'slow' })
  })
})

describe('the table', () => {
  const tables: [string, OptionTable][] = [
    ['globals', GLOBALS],
    ...Object.entries(VERBS).map(([verb, spec]): [string, OptionTable] => [verb, spec.options]),
  ]

  it.each(tables)('%s: aliases are one letter and used once; choices hold the default', (_name, table) => {
    const specs: OptionSpec[] = Object.values(table)
    const aliases = specs.flatMap((spec) => spec.alias ?? [])
    expect(new Set(aliases).size).toBe(aliases.length)
    for (const alias of aliases) expect(alias).toMatch(/^[a-zA-Z]$/)
    for (const name of Object.keys(table)) expect(name).toMatch(/^[a-z][a-z0-9-]+$/)
    for (const { choices, default: value } of specs) if (choices && value) expect(choices).toContain(value)
  })

  it('gives every verb typed options and positionals', () => {
    expectTypeOf<CommandOf<'create'>['options']['pid-file']>().toEqualTypeOf<string | undefined>()
    expectTypeOf<CommandOf<'create'>['options']['preserve-fds']>().toEqualTypeOf<number>()
    expectTypeOf<CommandOf<'run'>['options']['detach']>().toEqualTypeOf<boolean>()
    expectTypeOf<CommandOf<'list'>['options']['format']>().toEqualTypeOf<'table' | 'json'>()
    expectTypeOf<CommandOf<'kill'>['positionals']>().toMatchTypeOf<{ id: string; signal: string }>()
    expectTypeOf<GlobalOptions['log-level']>().toEqualTypeOf<'error' | 'warning' | 'info' | 'debug' | undefined>()
  })
})
