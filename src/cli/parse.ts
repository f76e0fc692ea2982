/**
 * The hot path of the command line: a strict parser over the command table. It answers what is plainly right and
 * leaves everything else (errors, --help, odd spellings) to yargs.ts, which costs 9 ms to load; so nothing but the
 * table may be imported here.
 *
 * Grammar, as Go's flag package and urfave/cli (runc) have it: `davit [global flags] verb [flags] [positionals]`.
 * A flag is `--name value`, `--name=value`, `-name` likewise, `-x` for its one-letter alias, `--name` or
 * `--name=true|false` for a boolean. A value is taken as it is, also when it looks like a flag. `--` ends the flags.
 * Flags may follow positionals, unless the rest belongs to another program.
 */

import { GLOBALS, type GlobalOptions } from './globals.ts'
import { defaultOf, type OptionSpec, type OptionTable, type VerbSpec } from './option.ts'
import { type Command, VERBS, type Verbs } from './table.ts'

export type Parsed =
  | Command
  /** `--version` was given. */
  | { readonly kind: 'version'; readonly global: GlobalOptions }
  /** Not plainly right: ask yargs.ts. */
  | { readonly kind: 'slow' }

type Value = string | number | boolean | readonly string[]

interface Taken {
  readonly values: Record<string, Value>
  readonly words: readonly string[]
  /** Index of the first argument not looked at. */
  readonly next: number
}

const SLOW = { kind: 'slow' } as const

/** Parses the arguments that follow the program's name. Never throws. Tests may bring verbs of their own. */
export function parseArgv(argv: readonly string[], verbs: Verbs = VERBS): Parsed {
  const globals = takeFlags(GLOBALS, argv, 0, true)
  if (globals === undefined || globals.values.help === true) return SLOW
  const global = globals.values as unknown as GlobalOptions
  if (global.version) return { kind: 'version', global }
  const verb = argv[globals.next]
  const spec = verb !== undefined && Object.hasOwn(verbs, verb) ? verbs[verb] : undefined
  if (spec === undefined) return SLOW
  const taken = takeFlags(spec.options, argv, globals.next + 1, spec.rest === true)
  if (taken === undefined) return SLOW
  const words = [...taken.words, ...argv.slice(taken.next)]
  const positionals = namePositionals(spec, words)
  if (positionals === undefined) return SLOW
  const rest = spec.rest === true ? words.slice(spec.positionals.length) : []
  // The table says which type each value has, and takeFlags went by the table.
  return { kind: 'command', verb, global, options: taken.values, positionals, rest } as unknown as Command
}

/** Gives the words their names; undefined when they are too few, too many or none of the choices. Shared with yargs.ts. */
export function namePositionals(spec: VerbSpec, words: readonly string[]): Record<string, string> | undefined {
  const named: Record<string, string> = {}
  for (const [index, positional] of spec.positionals.entries()) {
    const word = words[index] ?? positional.default
    if (word !== undefined && positional.choices !== undefined && !positional.choices.includes(word)) return undefined
    if (word !== undefined) named[positional.name] = word
    else if (positional.required) return undefined
  }
  return words.length > spec.positionals.length && spec.rest !== true ? undefined : named
}

/** Takes flags from argv[start] on; stops before the first word if told, else collects the words. */
function takeFlags(table: OptionTable, argv: readonly string[], start: number, stopAtWord: boolean): Taken | undefined {
  const values: Record<string, Value> = {}
  for (const [name, spec] of Object.entries(table)) {
    const value = defaultOf(spec)
    if (value !== undefined) values[name] = value
  }
  const words: string[] = []
  let index = start
  while (index < argv.length) {
    const argument = argv[index] as string
    if (argument === '--') return { values, words, next: index + 1 }
    // '-' alone is a word, as everywhere.
    if (argument.length < 2 || argument[0] !== '-') {
      if (stopAtWord) break
      words.push(argument)
      index += 1
      continue
    }
    const step = takeFlag(table, values, argument, argv[index + 1])
    if (step === 0) return undefined
    index += step
  }
  return { values, words, next: index }
}

/** Stores one flag; returns how many arguments it took, 0 when it is not plainly right. */
function takeFlag(table: OptionTable, values: Record<string, Value>, argument: string, following?: string): 0 | 1 | 2 {
  const equals = argument.indexOf('=')
  const given = argument.slice(argument[1] === '-' ? 2 : 1, equals < 0 ? undefined : equals)
  const name = longName(table, given, argument[1] !== '-')
  if (name === undefined) return 0
  const spec = table[name] as OptionSpec
  if (spec.type === 'boolean' || spec.type === 'count') {
    const text = equals < 0 ? 'true' : argument.slice(equals + 1)
    if (text !== 'true' && (text !== 'false' || spec.type === 'count')) return 0
    values[name] = spec.type === 'count' ? (values[name] as number) + 1 : text === 'true'
    return 1
  }
  const text = equals < 0 ? following : argument.slice(equals + 1)
  if (text === undefined) return 0
  const value = toValue(spec, text, values[name])
  if (value === undefined) return 0
  values[name] = value
  return equals < 0 ? 2 : 1
}

function toValue(spec: OptionSpec, text: string, before: Value | undefined): Value | undefined {
  if (spec.choices !== undefined && !spec.choices.includes(text)) return undefined
  if (spec.type === 'array') return [...((before ?? []) as readonly string[]), text]
  if (spec.type === 'string') return text
  return parseNumber(spec, text)
}

/** A decimal integer that a number flag may have; undefined otherwise. Shared with yargs.ts. */
export function parseNumber(spec: OptionSpec, text: string): number | undefined {
  if (!/^-?[0-9]{1,15}$/.test(text)) return undefined
  // + 0 because "-0" is 0
  const value = Number(text) + 0
  return spec.min !== undefined && value < spec.min ? undefined : value
}

function longName(table: OptionTable, given: string, oneDash: boolean): string | undefined {
  if (given.length > 1) return Object.hasOwn(table, given) ? given : undefined
  if (!oneDash) return undefined
  for (const name in table) if (table[name]?.alias === given && given !== '') return name
  return undefined
}
