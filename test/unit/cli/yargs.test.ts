import { describe, expect, it } from 'vitest'
import { GLOBALS } from '../../../src/cli/globals.ts'
import type { OptionSpec, VerbSpec } from '../../../src/cli/option.ts'
import { parseArgv } from '../../../src/cli/parse.ts'
import { VERBS, type Verbs } from '../../../src/cli/table.ts'
import { parseSlowly } from '../../../src/cli/yargs.ts'

/** Verbs of every shape that the table may hold, also those which no command has yet. */
const SHAPES: Verbs = {
  ...VERBS,
  exec: {
    summary: 'a verb whose rest is a command line',
    positionals: [{ name: 'id', required: true, description: 'id' }],
    options: {
      env: { type: 'array', alias: 'e', description: 'several' },
      tty: { type: 'boolean', alias: 't', description: 'boolean' },
      interactive: { type: 'boolean', alias: 'i', description: 'boolean' },
      user: { type: 'string', alias: 'u', description: 'string' },
      verbose: { type: 'count', alias: 'w', description: 'count' },
      memory: { type: 'number', description: 'may be negative' },
    },
    rest: true,
    details: 'More of it.',
  },
}

const AWKWARD = ['', '-', '--', '-1', '0', '007', '1e3', '0x10', 'true', 'false', '--bundle', '-b', 'a=b', '=', 'a b']
const ODD = ['ü✓🐧', "'quoted'", '"quoted"', 'a,b', 'a.b', '__proto__', 'line\nbreak', '$0', '%s', '[]', 'null', '*']

/** Values to try for a flag: good ones first. */
function valuesFor(name: string, spec: OptionSpec): readonly string[] {
  if (spec.choices !== undefined) return [...spec.choices, 'other', '']
  if (spec.type === 'number') return ['0', '3', '007', '-1', '1.5', 'x', '', '0x10', '99999999999999999999']
  // one flag of each kind gets everything
  if (['root', 'file', 'env'].includes(name)) return ['/a/path', ...AWKWARD, ...ODD]
  return ['/a/path', '', '--x']
}

/** Every way of writing one flag. */
function spellings(name: string, spec: OptionSpec): string[][] {
  const names = [`--${name}`, `-${name}`, ...(spec.alias === undefined ? [] : [`-${spec.alias}`, `--${spec.alias}`])]
  if (spec.type === 'boolean' || spec.type === 'count') {
    return names.flatMap((flag) => [[flag], [flag, flag], ...['true', 'false', '1', ''].map((v) => [`${flag}=${v}`])])
  }
  return names.flatMap((flag) => valuesFor(name, spec).flatMap((value) => [[flag, value], [`${flag}=${value}`]]))
}

function corpus(): string[][] {
  const lines: string[][] = []
  for (const [name, spec] of Object.entries(GLOBALS)) {
    for (const flag of spellings(name, spec)) lines.push([...flag, 'state', 'c'])
  }
  for (const [verb, spec] of Object.entries(SHAPES)) {
    const words = spec.positionals.map(({ name, choices }) => choices?.[0] ?? name)
    lines.push([verb], [verb, ...words], [verb, ...words, 'more'], [verb, '--', ...words], [verb, ...words, '--'])
    for (const word of [...AWKWARD, ...ODD]) lines.push([verb, word], [verb, ...words.slice(1), word])
    const seen = new Set<string>()
    for (const [name, option] of Object.entries(spec.options)) {
      // Of flags that differ in their name only, the first is written in every way, the others in two.
      const { description: _, ...shape } = option
      const known = seen.has(JSON.stringify(shape))
      seen.add(JSON.stringify(shape))
      for (const flag of spellings(name, option).slice(0, known ? 2 : undefined)) {
        lines.push([verb, ...flag, ...words], [verb, ...words, ...flag], ['--debug', verb, ...flag, ...flag, ...words])
      }
    }
  }
  lines.push(
    ['exec', '-it', 'c', 'sh'],
    ['exec', '-e', 'A=1', '--env=B=2', 'c', 'sh', '-c', 'x', '--env', 'C=3', '--', '-t'],
    ['exec', '--', 'c', '--', 'sh'],
    ['exec', '-w', '-w', '--verbose', 'c'],
    ['exec', '-t', 'true', 'c'],
    ['run', '--detach', 'true'],
    ['run', '--detach', 'false', 'c'],
  )
  return lines
}

describe('the two parsers', () => {
  const lines = corpus()
  const answered = lines.map((line) => ({ line, fast: parseArgv(line, SHAPES) })).filter((e) => e.fast.kind !== 'slow')

  it('have enough to compare', () => {
    expect(answered.length).toBeGreaterThan(500)
    expect(lines.length - answered.length).toBeGreaterThan(150)
    const verbs = new Set(answered.map(({ fast }) => fast.kind === 'command' && fast.verb))
    expect([...verbs]).toEqual(expect.arrayContaining(Object.keys(SHAPES)))
  })

  it('say the same wherever the fast one answers', async () => {
    for (const { line, fast } of answered) {
      expect({ line, is: await parseSlowly(line, SHAPES) }).toEqual({ line, is: fast })
    }
  }, 60_000)
})

async function usageError(line: string): Promise<string> {
  try {
    return `no error: ${JSON.stringify(await parseSlowly(line.split(' ')))}`
  } catch (error) {
    expect(error).toMatchObject({ code: 'usage' })
    return (error as Error).message
  }
}

describe('usage errors', () => {
  it.each([
    ['create --foo c', 'create: unknown flag --foo'],
    ['create -foo c', 'create: unknown flag --foo'],
    ['create -x --bar c', 'create: unknown flags -x, --bar'],
    ['run -b/tmp c', 'run: unknown flag --b/tmp'],
    ['--foo state c', 'unknown flag --foo'],
    ['nosuch', 'unknown command "nosuch"'],
    ['toString', 'unknown command "toString"'],
    ['state', 'state: missing <id>'],
    ['kill', 'kill: missing <id>'],
    ['state a b', 'state: unexpected argument "b"'],
    ['list a', 'list: unexpected argument "a"'],
    ['run --bundle', 'run: --bundle needs a value'],
    ['run c -b', 'run: --bundle needs a value'],
    ['--root', '--root needs a value'],
    ['list -f yaml', 'list: invalid value: --format is "yaml", not one of "table", "json"'],
    ['--rootless maybe list', 'invalid value: --rootless is "maybe", not one of "true", "false", "auto"'],
    ['run --preserve-fds x c', 'run: invalid value "x" for --preserve-fds: not a number'],
    ['run --preserve-fds -1 c', 'run: invalid value "-1" for --preserve-fds: less than 0'],
    ['run --detach=maybe c', 'run: invalid value "maybe" for --detach: neither true nor false'],
    ['create --root /r c', 'create: --root is a global flag, it goes before create'],
    ['kill c -9', 'kill: unknown flag -9'],
  ])('%s: %s', async (line, message) => {
    expect(await usageError(line)).toBe(message)
  })
})

describe('odd spellings that are right', () => {
  it.each([
    ['list -qf json', { options: { quiet: true, format: 'json' } }],
    ['list -qf=json', { options: { quiet: true, format: 'json' } }],
    ['run --detach=T -d=0 c', { options: { detach: false } }],
    ['--debug=1 state c', { global: { debug: true } }],
  ])('%s', async (line, expected) => {
    expect(await parseSlowly(line.split(' '))).toMatchObject({ kind: 'command', ...expected })
  })
})

async function help(...line: string[]): Promise<string> {
  const parsed = await parseSlowly(line, SHAPES)
  return parsed.kind === 'print' ? parsed.text : `not help: ${JSON.stringify(parsed)}`
}

describe('help', () => {
  it.each([[[]], [['--help']], [['-h']], [['--debug']], [['--help', '--version']], [['-h', 'nosuch']]])(
    '%j tells of every command and global flag, but not of hidden ones',
    async (line) => {
      const text = await help(...line)
      for (const [verb, { hidden }] of Object.entries<VerbSpec>(VERBS)) {
        if (hidden) expect(text).not.toContain(verb)
        else expect(text).toContain(`davit ${verb}`)
      }
      expect(text).toContain('-v, --version')
      expect(text).toContain('--systemd-cgroup')
      expect(text).not.toContain('--criu')
    },
  )

  it.each(Object.entries(SHAPES))('%s --help tells of its arguments and flags', async (verb, spec) => {
    const text = await help(verb, '--help')
    expect(text).toBe(await help(verb, '-h', '--no-such-flag'))
    expect(text).toContain(spec.summary)
    for (const { name } of spec.positionals) expect(text).toMatch(new RegExp(`^davit ${verb}.*[<[]${name}[>\\]]`, 'm'))
    for (const [name, { hidden }] of Object.entries<OptionSpec>(spec.options)) {
      if (hidden) expect(text).not.toContain(`--${name} `)
      else expect(text).toContain(`--${name} `)
    }
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  })

  it('can be asked for as a command', async () => {
    expect(await help('help')).toBe(await help('--help'))
    expect(await help('help', 'kill')).toBe(await help('kill', '--help'))
    await expect(help('help', 'nosuch')).rejects.toThrow('unknown command "nosuch"')
  })

  it('does not look for help behind -- or in the values of flags', async () => {
    expect(await parseSlowly(['state', '--', '--help'])).toMatchObject({ positionals: { id: '--help' } })
    expect(await parseSlowly(['run', '--bundle', '--help', 'c'])).toMatchObject({ options: { bundle: '--help' } })
    expect(await parseSlowly(['exec', 'c', 'ls', '--help'], SHAPES)).toMatchObject({ rest: ['ls', '--help'] })
  })
})

describe('positionals with choices', () => {
  it('are checked by both parsers', async () => {
    expect(parseArgv(['completion', 'tcsh'])).toEqual({ kind: 'slow' })
    await expect(parseSlowly(['completion', 'tcsh'])).rejects.toThrow(
      'completion: <shell> is "tcsh", not one of bash, zsh, fish',
    )
    await expect(parseSlowly(['completion', 'zsh', 'more'])).rejects.toThrow('unexpected argument "more"')
    expect(parseArgv(['completion'])).toMatchObject({ positionals: { shell: 'bash' } })
  })
})
