/**
 * What a requirement is: one rule of the specification, in words of our own, with the place where it stands. The tables
 * beside this file have a row for every MUST, MUST NOT, SHOULD, SHOULD NOT, REQUIRED and NOT RECOMMENDED.
 */
export type Level = 'MUST' | 'MUST NOT' | 'SHOULD' | 'SHOULD NOT' | 'REQUIRED' | 'NOT RECOMMENDED'

/**
 * Whom a rule binds: `runtime`; `config`, who writes config.json (what breaks such a rule is an invalid value, which a
 * runtime refuses); `agent`, who listens to seccomp notifications; `spec`, the specification itself; `elsewhere`, other
 * platforms than Linux.
 */
export type Binds = 'runtime' | 'config' | 'agent' | 'spec' | 'elsewhere'

export interface Requirement {
  /** Stable; cases name it in `covers`. */
  readonly id: string
  /** Document and section: `runtime.md#create`. */
  readonly clause: string
  readonly level: Level
  readonly binds: Binds
  /** The rule, paraphrased. */
  readonly text: string
  /** How many key words of the specification the row stands for, if not one. */
  readonly words: number
  /** Why no case can show it, where that is so. */
  readonly uncoverable?: string
}

export type Row = readonly [
  level: Level,
  binds: Binds,
  text: string,
  more?: { readonly words?: number; readonly uncoverable?: string },
]

/** The rules of one section, by id. */
export function section(clause: string, rows: Readonly<Record<string, Row>>): Requirement[] {
  return Object.entries(rows).map(([id, [level, binds, text, more]]) => ({
    id,
    clause,
    level,
    binds,
    text,
    words: 1,
    ...more,
  }))
}

const SPECIFICATION = 'https://github.com/opencontainers/runtime-spec/blob/v1.3.0/'

/** Where a clause can be read; nothing for what is no clause of the specification. */
export function linkTo(clause: string): string | undefined {
  return /^[\w-]+\.md(#[\w-]+)?$/.test(clause) ? SPECIFICATION + clause : undefined
}
