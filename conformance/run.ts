/** The suite from its sources: `bun conformance/run.ts --runtime PATH`, with the busybox of this machine. */
import { existsSync } from 'node:fs'
import { main } from './main.ts'

/** A busybox in the PATH. */
function find(): string {
  const found = (process.env.PATH ?? '').split(':').map((folder) => `${folder}/busybox`)
  const path = found.find((each) => each.startsWith('/') && existsSync(each))
  if (path === undefined) throw new Error('no busybox in PATH')
  return path
}

process.exitCode = await main(process.argv.slice(2), {
  command: [process.execPath, process.argv[1] ?? ''],
  busybox: find,
})
