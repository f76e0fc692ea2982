/**
 * The slow path of the command line, loaded when parse.ts does not answer: help, usage errors, and spellings of flags
 * that nobody's engine uses. yargs is built from the same table and parses in two stages, because flags before the
 * verb are global and those after it are the verb's.
 */
import { RuntimeError } from '../base/errors.ts'
import { GLOBALS, type GlobalOptions } from './globals.ts'
import { defaultOf, type OptionSpec, type OptionTable, type VerbSpec } from './option.ts'
import { namePositionals, type Parsed, parseNumber } from './parse.ts'
import { plainSpelling, type Spelled } from './spelling.ts'
import { type Command, VERBS, type Verbs } from './table.ts'
import { declare, program } from './yargs_program.ts'

export type SlowlyParsed =
  | Exclude<Parsed, { kind: 'slow' }>
  /** Help: to be printed on stdout, exit status 0. */
  | { readonly kind: 'print'; readonly text: string }

/** Parses the arguments that follow the program's name. Throws RuntimeError 'usage', its message one line. */
export async function parseSlowly(argv: readonly string[], verbs: Verbs = VERBS): Promise<SlowlyParsed> {
  const globals = plainSpelling(GLOBALS, argv, true)
  const [verb, ...args] = globals.rest
  if (wantsHelp(globals)) return { kind: 'print', text: await globalHelp(verbs) }
  const global = readValues(GLOBALS, globals.args).values as unknown as GlobalOptions
  if (global.version) return { kind: 'version', global }
  if (verb === undefined) return { kind: 'print', text: await globalHelp(verbs) }
  // runc's and git's way to ask for help
  if (verb === 'help') return parseSlowly([...args.slice(0, 1), '--help'], verbs)
  const spec = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined
  if (spec === undefined) throw new RuntimeError('usage', `unknown command "${verb}"`)
  return inVerb(verb, spec.usage, () => parseVerb(verb, spec, args, global))
}

async function parseVerb(
  verb: string,
  spec: VerbSpec,
  argv: readonly string[],
  global: GlobalOptions,
): Promise<SlowlyParsed> {
  const spelled = plainSpelling({ ...spec.options, help: GLOBALS.help }, argv, spec.rest === true)
  if (wantsHelp(spelled)) return { kind: 'print', text: await verbHelp(verb, spec) }
  const misplaced = Object.keys(GLOBALS).find(
    (name) => !Object.hasOwn(spec.options, name) && spelled.args.some((arg) => arg.split('=')[0] === `--${name}`),
  )
  if (misplaced !== undefined)
    throw new RuntimeError('usage', `--${misplaced} is a global flag, it goes before ${verb}`)
  const { values, words: before } = readValues(spec.options, spelled.args)
  const words = [...before, ...spelled.rest]
  const positionals = namePositionals(spec, words)
  if (positionals === undefined) throw new RuntimeError('usage', positionalTrouble(spec, words))
  const rest = spec.rest === true ? words.slice(spec.positionals.length) : []
  return { kind: 'command', verb, global, options: values, positionals, rest } as unknown as Command
}

function wantsHelp({ args }: Spelled): boolean {
  return args.includes('--help=true')
}

/** Puts the verb's name before what its usage errors say, and gives them the verb's exit code for them. */
async function inVerb<T>(verb: string, exitCode: number | undefined, parse: () => Promise<T>): Promise<T> {
  try {
    return await parse()
  } catch (error) {
    if (error instanceof RuntimeError && error.code === 'usage') {
      const options = { cause: error, ...(exitCode === undefined ? {} : { exitCode }) }
      throw new RuntimeError('usage', `${verb}: ${error.message}`, [], options)
    }
    throw error
  }
}

function positionalTrouble(spec: VerbSpec, words: readonly string[]): string {
  const missing = spec.positionals.find(({ required }, index) => required && words[index] === undefined)
  if (missing !== undefined) return `missing <${missing.name}>`
  for (const [index, { name, choices }] of spec.positionals.entries()) {
    const word = words[index]
    if (word !== undefined && choices?.includes(word) === false)
      return `<${name}> is "${word}", not one of ${choices.join(', ')}`
  }
  return `unexpected argument "${words[spec.positionals.length]}"`
}

/** Lets yargs read flags spelled plainly, and gives them the types and defaults of the table. */
function readValues(table: OptionTable, args: readonly string[]): { values: Record<string, unknown>; words: string[] } {
  const parsed: Record<string, unknown> = declare(program(args), table, 'parse').parseSync()
  const values: Record<string, unknown> = {}
  for (const [name, spec] of Object.entries(table)) {
    const value = fromYargs(name, spec, parsed[name])
    if (value !== undefined) values[name] = value
  }
  return { values, words: (parsed._ as (string | number)[]).map(String) }
}

function fromYargs(name: string, spec: OptionSpec, value: unknown): unknown {
  if (value === undefined) return defaultOf(spec)
  if (spec.type === 'array') return [value].flat()
  // A flag given twice: the last one counts, as in Go.
  const single = Array.isArray(value) ? value.at(-1) : value
  if (spec.type !== 'number') return single
  const number = parseNumber(spec, single)
  if (number === undefined) {
    const why =
      parseNumber({ ...spec, min: -Infinity }, single) === undefined ? 'not a number' : `less than ${spec.min}`
    throw new RuntimeError('usage', `invalid value "${single}" for --${name}: ${why}`)
  }
  return number
}

async function globalHelp(verbs: Verbs): Promise<string> {
  const help = program([]).usage('davit [global flags] <command> [flags] [arguments]')
  for (const [verb, { summary, hidden }] of Object.entries(verbs)) if (!hidden) help.command(verb, summary)
  declare(help, GLOBALS, 'help').epilogue('davit <command> --help tells of the flags of a command.')
  return `${await help.getHelp()}\n`
}

async function verbHelp(verb: string, spec: VerbSpec): Promise<string> {
  const words = spec.positionals.map(({ name, required }) => (required ? `<${name}>` : `[${name}]`))
  const usage = ['davit', verb, '[flags]', ...words, ...(spec.rest === true ? ['[arguments...]'] : [])].join(' ')
  const help = program([]).usage(`${usage}\n\n${spec.summary}`)
  for (const { name, description, default: value } of spec.positionals) {
    const text = value === undefined ? description : `${description} [default: "${value}"]`
    help.positional(name, { describe: text, type: 'string' })
  }
  declare(help, { ...spec.options, help: GLOBALS.help }, 'help')
  if (spec.details !== undefined) help.epilogue(spec.details)
  return `${await help.getHelp()}\n`
}
