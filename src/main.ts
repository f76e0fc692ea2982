/**
 * The program's first lines. `--version`, which dockerd asks before anything else, is answered from here; everything
 * else is in src/program.ts, imported as one piece: a chain of small imports costs more than it saves.
 */
import { COMMIT, VERSION } from './cli/edition.ts'
import { versionText } from './cli/version.ts'

const [, , first, second] = process.argv

if ((first === '--version' || first === '-v') && second === undefined) {
  console.log(versionText({ version: VERSION, commit: COMMIT }).trimEnd())
} else {
  const { program } = await import('./program.ts')
  await program(process.argv.slice(2))
}
