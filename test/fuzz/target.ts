/** What is fuzzed, and how an input is told from a fault. */
import { RuntimeError, SysError } from '../../src/base/errors.ts'
import type { Random } from './random.ts'

/** An input is JSON: so it can be kept in the corpus, and made smaller. */
export interface Target<Input = unknown> {
  readonly name: string
  /** Needs root, and a cage (cage.ts) to run in. */
  readonly caged?: boolean
  /** Makes an input; `corpus`: what was kept, to be mutated at times. */
  make(random: Random, corpus: readonly Input[]): Input
  /** Tries an input; throws for a fault. What it returns is counted: "planned", "refused". */
  run(input: Input): string | Promise<string>
  /** Called after some inputs and at the end: looks at all that came since. Says which input was at fault by throwing {@link Blamed}. */
  settle?(): void
}

/** A fault of an earlier input. */
export class Blamed extends Error {
  readonly input: unknown
  constructor(message: string, input: unknown) {
    super(message)
    this.input = input
  }
}

/** Throws for what is no error of ours: an exception that nobody meant, or a message that is not one line. */
export function checkError(error: unknown, codes?: readonly string[]): void {
  if (!(error instanceof RuntimeError || error instanceof SysError)) throw error
  // The log escapes control characters; none of ours has a bug in it, or the words of one.
  if (error.message === '' || /\bbug:|\bundefined\b|\[object |\bNaN\b/.test(error.message))
    throw new Error(`an odd message: ${JSON.stringify(error.message)}`, { cause: error })
  if (codes && error instanceof RuntimeError && !codes.includes(error.code))
    throw new Error(`the code ${error.code}: ${error.message}`, { cause: error })
}
