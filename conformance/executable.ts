/** The suite as an executable of its own, which carries the busybox that its containers are made of. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import carried from '../build/conformance/busybox' with { type: 'file' }
import { main } from './main.ts'

process.exitCode = await main(process.argv.slice(2), {
  command: [process.execPath],
  busybox(folder) {
    const path = join(folder, 'busybox')
    writeFileSync(path, readFileSync(carried), { mode: 0o755 })
    return path
  },
})
