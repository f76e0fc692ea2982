/** The program: see src/cli/main.ts. */
import { main } from './cli/main.ts'
import { exit } from './ffi/exit.ts'

exit(await main(process.argv.slice(2)))
