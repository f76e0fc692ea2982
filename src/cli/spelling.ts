/**
 * Rewrites the ways in which Go's flag package and getopt let a flag be written (`-bundle DIR`, `-b DIR`,
 * `-qf json`, `--force=1`) into the one way about which yargs leaves no doubt: `--name=value`. Pure.
 */
import { RuntimeError } from '../base/errors.ts'
import type { OptionSpec, OptionTable } from './option.ts'

export interface Spelled {
  /** Flags as `--name=value`; words that stand between them. */
  readonly args: readonly string[]
  /** From the first word on (if told to stop there), or after `--`: not to be looked at for flags. */
  readonly rest: readonly string[]
}

/**
 * Rewrites flags up to `--`, or up to the first word if told to stop there. Flags that the table does not have, and
 * one whose value is missing, stay for yargs to complain about. Throws RuntimeError 'usage' for a boolean with a value
 * that is none.
 */
export function plainSpelling(table: OptionTable, argv: readonly string[], stopAtWord: boolean): Spelled {
  const args: string[] = []
  let index = 0
  while (index < argv.length) {
    const argument = argv[index] as string
    if (argument === '--') return { args, rest: argv.slice(index + 1) }
    index += 1
    if (argument.length < 2 || argument[0] !== '-') {
      if (stopAtWord) return { args, rest: argv.slice(index - 1) }
      args.push(argument)
      continue
    }
    const flags = splitFlags(table, argument)
    const last = flags.at(-1)
    if (last?.value === undefined && takesValue(table[last?.name ?? '']) && index < argv.length) {
      flags[flags.length - 1] = { name: last?.name ?? '', value: argv[index] }
      index += 1
    }
    for (const { name, value } of flags) args.push(flagText(table, name, value))
  }
  return { args, rest: [] }
}

interface Flag {
  readonly name: string
  readonly value: string | undefined
}

/** One argument's flags: one, or several one-letter ones. */
function splitFlags(table: OptionTable, argument: string): Flag[] {
  const equals = argument.indexOf('=')
  const value = equals < 0 ? undefined : argument.slice(equals + 1)
  const given = argument.slice(argument.startsWith('--') ? 2 : 1, equals < 0 ? undefined : equals)
  if (argument.startsWith('--') || Object.hasOwn(table, given)) return [{ name: given, value }]
  return splitLetters(table, argument.slice(1)) ?? [{ name: given, value }]
}

/**
 * `-ab`, `-qf=x`: booleans, then at most one flag with a value. Undefined if a letter is nobody's alias, and for
 * `-bDIR`: runc refuses it, and every mistyped `-bundel` would be one.
 */
function splitLetters(table: OptionTable, letters: string): Flag[] | undefined {
  const flags: Flag[] = []
  for (let at = 0; at < letters.length; at++) {
    const name = byAlias(table, letters[at] as string)
    if (name === undefined) return undefined
    if (letters[at + 1] === '=') return [...flags, { name, value: letters.slice(at + 2) }]
    if (takesValue(table[name]) && at + 1 < letters.length) return undefined
    flags.push({ name, value: undefined })
  }
  return flags
}

function byAlias(table: OptionTable, letter: string): string | undefined {
  return Object.keys(table).find((name) => table[name]?.alias === letter)
}

function takesValue(spec: OptionSpec | undefined): boolean {
  return spec !== undefined && spec.type !== 'boolean' && spec.type !== 'count'
}

function flagText(table: OptionTable, name: string, value: string | undefined): string {
  const spec = Object.hasOwn(table, name) ? table[name] : undefined
  if (spec?.type === 'boolean') return `--${name}=${parseBoolean(name, value ?? 'true')}`
  return value === undefined ? `--${name}` : `--${name}=${value}`
}

/** What Go's strconv.ParseBool reads. */
function parseBoolean(name: string, text: string): boolean {
  if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true
  if (/^(0|f|F|FALSE|false|False)$/.test(text)) return false
  throw new RuntimeError('usage', `invalid value "${text}" for --${name}: neither true nor false`)
}
