/** The program behind src/main.ts. */
import { main } from './cli/main.ts'
import { exit } from './ffi/exit.ts'

/** Carries out a command line and ends the process with its exit code. */
export async function program(argv: readonly string[]): Promise<void> {
  exit(await main(argv))
}
