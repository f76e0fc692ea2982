/**
 * What may stand in the place of the last word of a command line that is being typed: one answer for all shells, from
 * the command table. It reads the words as parse.ts does, but takes every wrong one in its stride. Pure.
 */
import { SIGNALS } from '../kernel/signals.ts'
import { GLOBALS } from './globals.ts'
import type { OptionSpec, OptionTable, PositionalSpec, VerbSpec } from './option.ts'
import { VERBS, type Verbs } from './table.ts'

export interface Completions {
  /** What the shell is to offer by itself, for a path. */
  readonly files: 'none' | 'files' | 'directories'
  /** What of the last word stands before the value: "--bundle=", or nothing. The candidates have it too. */
  readonly prefix: string
  /** Words with what is said of them. */
  readonly candidates: readonly (readonly [word: string, description: string])[]
}

/** Names of the containers below a --root as it was typed, undefined: the default one. */
export type Containers = (root: string | undefined) => readonly string[]

type Candidate = readonly [word: string, description: string]
type Value = Pick<OptionSpec, 'type' | 'choices' | 'value'>

/** A command line up to its last word. */
interface Typed {
  /** Long names of the flags that were given. */
  readonly given: ReadonlySet<string>
  /** The flag whose value the last word is. */
  readonly pending: OptionSpec | undefined
  readonly words: readonly string[]
  /** Whether the last word can be a flag. */
  readonly flags: boolean
  readonly root: string | undefined
}

/** `words` are those after the program's name; the last one is incomplete, perhaps empty. */
export function complete(words: readonly string[], containers: Containers, verbs: Verbs = VERBS): Completions {
  const current = words.at(-1) ?? ''
  const before = words.slice(0, -1)
  const globals = readFlags(GLOBALS, before, true)
  const verb = globals.words[0]
  if (verb === undefined) return answer(GLOBALS, globals, current, () => verbNames(verbs), containers)
  const spec = Object.hasOwn(verbs, verb) ? (verbs[verb] as VerbSpec) : undefined
  if (spec === undefined || spec.hidden) return { files: 'none', prefix: '', candidates: [] }
  const own = readFlags({ ...spec.options, help: GLOBALS.help }, globals.words.slice(1), spec.rest === true)
  const typed = { ...own, root: globals.root }
  const positional = spec.positionals[own.words.length]
  return answer({ ...spec.options, help: GLOBALS.help }, typed, current, positional, containers)
}

function verbNames(verbs: Verbs): Candidate[] {
  return Object.entries(verbs).flatMap(([name, { summary, hidden }]) => (hidden ? [] : [[name, summary] as const]))
}

/** Tells flags, their values and words apart; with `stopAtWord` everything from the first word on is words. */
function readFlags(table: OptionTable, args: readonly string[], stopAtWord: boolean): Typed {
  const given = new Set<string>()
  const words: string[] = []
  let root: string | undefined
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string
    if (arg === '--') return { given, pending: undefined, words: [...words, ...args.slice(i + 1)], flags: false, root }
    if (arg.length < 2 || !arg.startsWith('-')) {
      if (stopAtWord) return { given, pending: undefined, words: [...words, ...args.slice(i)], flags: false, root }
      words.push(arg)
      continue
    }
    const equals = arg.indexOf('=')
    const name = longName(table, equals < 0 ? arg : arg.slice(0, equals))
    if (name === undefined) continue
    given.add(name)
    if (equals >= 0 || !takesValue(table[name] as OptionSpec)) {
      if (name === 'root') root = arg.slice(equals + 1)
      continue
    }
    if (i + 1 === args.length) return { given, pending: table[name], words, flags: true, root }
    if (name === 'root') root = args[i + 1]
    i++
  }
  return { given, pending: undefined, words, flags: true, root }
}

function longName(table: OptionTable, flag: string): string | undefined {
  const given = flag.slice(flag.startsWith('--') ? 2 : 1)
  if (Object.hasOwn(table, given)) return given
  return Object.keys(table).find((name) => table[name]?.alias === given)
}

function takesValue({ type }: OptionSpec): boolean {
  return type !== 'boolean' && type !== 'count'
}

function answer(
  table: OptionTable,
  typed: Typed,
  current: string,
  word: PositionalSpec | (() => readonly Candidate[]) | undefined,
  containers: Containers,
): Completions {
  if (typed.pending) return valuesFor(typed.pending, '', current, typed, containers)
  if (typed.flags && current.startsWith('-')) {
    const equals = current.indexOf('=')
    if (equals < 0) return choose(flagNames(table, typed.given), '', current)
    const name = longName(table, current.slice(0, equals))
    const none = { files: 'none', prefix: '', candidates: [] } as const
    if (name === undefined) return none
    return valuesFor(table[name] as OptionSpec, current.slice(0, equals + 1), current, typed, containers)
  }
  if (typeof word === 'function') return choose(word(), '', current)
  return valuesFor({ type: 'string', ...word }, '', current, typed, containers)
}

/** Flags not given yet; those that may be given again always. */
function flagNames(table: OptionTable, given: ReadonlySet<string>): Candidate[] {
  return Object.entries(table).flatMap(([name, spec]) => {
    const again = spec.type === 'array' || spec.type === 'count'
    return spec.hidden || (given.has(name) && !again) ? [] : [[`--${name}`, spec.description] as const]
  })
}

function valuesFor(spec: Value, prefix: string, current: string, typed: Typed, containers: Containers): Completions {
  const plain = (words: readonly string[]) =>
    choose(
      words.map((word) => [prefix + word, ''] as const),
      prefix,
      current,
    )
  if (spec.choices) return plain(spec.choices)
  if (spec.type === 'boolean') return plain(['true', 'false'])
  switch (spec.value) {
    case 'FILE':
    case 'SOCKET':
      return { files: 'files', prefix, candidates: [] }
    case 'DIR':
      return { files: 'directories', prefix, candidates: [] }
    case 'CONTAINER':
      return plain(containers(typed.root))
    case 'SIGNAL': {
      // Names are taken without SIG, too.
      const short = /^[A-Z]/.test(current) && !'SIG'.startsWith(current.slice(0, 3))
      return plain(Object.keys(SIGNALS).map((name) => (short ? name.slice(3) : name)))
    }
    default:
      return plain([])
  }
}

function choose(candidates: readonly Candidate[], prefix: string, current: string): Completions {
  return { files: 'none', prefix, candidates: candidates.filter(([word]) => word.startsWith(current)) }
}
