/** What a review of a configuration finds. */

/** How strong the specification's word is, where it has one (RFC 2119). */
export type Requirement = 'MUST' | 'MUST NOT' | 'REQUIRED' | 'SHOULD' | 'SHOULD NOT' | 'NOT RECOMMENDED' | 'DEPRECATED'

/** One thing to mend (error: no container can be made of it) or to think about (warning). */
export interface Finding {
  readonly severity: 'error' | 'warning'
  /** JSON pointer; '' is the whole document. That of a missing member names the place where it belongs. */
  readonly pointer: string
  readonly message: string
  /** Short name of the check, stable: for scripts that leave some out. */
  readonly rule: string
  /** Section of the specification as DOCUMENT#ANCHOR. */
  readonly clause?: string
  /** What the clause says of it; absent where the kernel or this machine decides, not the specification. */
  readonly requirement?: Requirement
  /** How to mend it. */
  readonly hint?: string
}

/** With its place in the text: 1-based; of a missing member, the place of what it is missing in. */
export interface PlacedFinding extends Finding {
  readonly line?: number
  readonly column?: number
}
