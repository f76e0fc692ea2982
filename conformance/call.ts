/** How a command of a runtime is called, and what it answers. */

export interface Outcome {
  readonly ok: boolean
  /** Its exit code. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface State {
  readonly ociVersion: string
  readonly id: string
  readonly status: string
  readonly pid?: number
  readonly bundle: string
  readonly annotations?: Record<string, string>
}

/** How a command is called where that is what the case is about. */
export interface Manner {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Read by the command as its stdin. */
  readonly input?: string
  /** Path of what the command has for its stdin, in place of that. */
  readonly stdin?: string
  /** Open in the command from 3 on. */
  readonly fds?: readonly number[]
  readonly umask?: number
  /** Words before the runtime, as of nice(1), that change what the runtime inherits. */
  readonly through?: readonly string[]
  /** Global flags of the runtime. */
  readonly flags?: readonly string[]
}
