/**
 * yargs, set up for the command table. It is kept from looking at the machine: no package.json, no LC_*, no $0 of its
 * own. What remains is its y18n, which looks once for a locales folder above its own file; in the compiled executable
 * that is /locales, which only root could make.
 */
import yargs, { type Argv, type Options } from 'yargs'
import { messageOf, RuntimeError } from '../base/errors.ts'
import type { OptionTable } from './option.ts'

/** A yargs that looks at nothing, throws its complaints, and takes flags as the table spells them. */
export function program(args: readonly string[]): Argv {
  return (
    yargs([...args], '/')
      .scriptName('davit')
      .detectLocale(false)
      .updateStrings(WORDS)
      .exitProcess(false)
      .version(false)
      .help(false)
      .strictOptions()
      .parserConfiguration({
        'boolean-negation': false,
        'camel-case-expansion': false,
        'dot-notation': false,
        'parse-numbers': false,
        'parse-positional-numbers': false,
        'short-option-groups': false,
      })
      // biome-ignore lint/suspicious/noConfusingVoidType: yargs's own signature
      .fail((message: string | null, error?: Error | void) => {
        // What is not yargs's own is ours: a RuntimeError, or a bug.
        if (error && error.name !== 'YError') throw error
        throw new RuntimeError('usage', reword(message || messageOf(error)))
      })
  )
}

/** yargs's complaints in our words. */
const WORDS = {
  'Unknown argument: %s': { one: 'unknown flag --%s', other: 'unknown flags --%s' },
  'Not enough arguments following: %s': '--%s needs a value',
  'Invalid values:': 'invalid value:',
  'Argument: %s, Given: %s, Choices: %s': '--%s is %s, not one of %s',
} as unknown as Record<string, string>

function reword(message: string): string {
  return message
    .replace(/\s*\n\s*/g, ' ')
    .replace(/^unknown flags .*/, (flags) => flags.replaceAll(', ', ', --'))
    .replace(/--([^\s-])(?=,|$)/g, '-$1')
}

/**
 * Tells yargs of the flags. It is told of numbers and arrays for the help only: its numbers may be hexadecimal, and its
 * arrays have no empty members.
 */
export function declare(program: Argv, table: OptionTable, purpose: 'parse' | 'help'): Argv {
  for (const [name, spec] of Object.entries(table)) {
    const isString = purpose === 'parse' && (spec.type === 'number' || spec.type === 'array')
    const option: Options = {
      type: isString ? 'string' : spec.type,
      describe: spec.description,
      hidden: spec.hidden === true,
      ...(spec.alias === undefined ? {} : { alias: spec.alias }),
      ...(spec.choices === undefined ? {} : { choices: spec.choices }),
      ...(spec.default === undefined ? {} : { defaultDescription: String(spec.default) }),
      ...(spec.type === 'boolean' || spec.type === 'count' ? {} : { requiresArg: true }),
    }
    program.option(name, option)
  }
  return program
}
