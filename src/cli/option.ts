/**
 * The vocabulary of the command table (table.ts): how a flag and a positional are described, and which type the
 * parsed value has. Types only, except the defaults.
 */

/** One flag. The key in its {@link OptionTable} is the long name without dashes. */
export interface OptionSpec {
  /** boolean: absent is false. count: how often it was given. array: every value, in order. Others: the last value. */
  readonly type: 'string' | 'boolean' | 'number' | 'count' | 'array'
  /** One letter, given with one dash. */
  readonly alias?: string
  /** Accepted, but not in the help: what older engines or other runtimes pass and davit has no use for. */
  readonly hidden?: true
  readonly choices?: readonly string[]
  readonly default?: string | number
  /** What the value is, as a placeholder: DIR, FILE, SOCKET… Manual pages show it, completion goes by it. */
  readonly value?: string
  /** Least value of a number. */
  readonly min?: number
  readonly description: string
}

export type OptionTable = Readonly<Record<string, OptionSpec>>

export interface PositionalSpec {
  readonly name: string
  /** A required one stands before every optional one. */
  readonly required: boolean
  readonly default?: string
  readonly choices?: readonly string[]
  /** As of a flag. */
  readonly value?: string
  readonly description: string
}

export interface VerbSpec {
  readonly summary: string
  readonly positionals: readonly PositionalSpec[]
  readonly options: OptionTable
  /** Not in the help: for programs, not for people. */
  readonly hidden?: true
  /**
   * What follows the positionals is another program's command line, so that flags are looked for only before the
   * first positional. Set for verbs like exec and ps.
   */
  readonly rest?: true
  /** Exit code when the verb fails, if not 1. */
  readonly failure?: number
  /** Exit code when the command line is wrong, if not 1. */
  readonly usage?: number
  /** Further paragraphs for the verb's help. */
  readonly details?: string
}

type Value<S> = S extends { readonly type: 'boolean' }
  ? boolean
  : S extends { readonly type: 'number' | 'count' }
    ? number
    : S extends { readonly type: 'array' }
      ? readonly string[]
      : S extends { readonly choices: readonly (infer C)[] }
        ? C
        : string

/** Flags which have a value even when they are not given. */
type Always = { readonly type: 'boolean' | 'count' | 'array' } | { readonly default: string | number }

/** The parsed values of a table of flags: by long name; a key without a value is absent. */
export type OptionValues<T> = {
  readonly [K in keyof T as T[K] extends Always ? K : never]: Value<T[K]>
} & {
  readonly [K in keyof T as T[K] extends Always ? never : K]?: Value<T[K]>
}

type Sure = { readonly required: true } | { readonly default: string }

type Word<S> = S extends { readonly choices: readonly (infer C)[] } ? C : string

/** The parsed positionals of a verb: by name. */
export type PositionalValues<P extends readonly PositionalSpec[]> = {
  readonly [S in P[number] as S extends Sure ? S['name'] : never]: Word<S>
} & {
  readonly [S in P[number] as S extends Sure ? never : S['name']]?: Word<S>
}

/** What a flag has when it is not given; undefined: it is absent. */
export function defaultOf(spec: OptionSpec): string | number | boolean | readonly string[] | undefined {
  if (spec.default !== undefined) return spec.default
  if (spec.type === 'boolean') return false
  if (spec.type === 'count') return 0
  return spec.type === 'array' ? [] : undefined
}
