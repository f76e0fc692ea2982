/**
 * Writes native/ops.gen.h and hash.gen.ts, or with --check fails when one is stale. Run by `make generate` and
 * `make check`; not part of the product.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { cHeader, hashModule } from './header.ts'

for (const [name, text] of [
  ['native/ops.gen.h', cHeader()],
  ['src/wire/hash.gen.ts', hashModule()],
] as const) {
  const path = new URL(`../../${name}`, import.meta.url).pathname
  if (!process.argv.includes('--check')) writeFileSync(path, text)
  else if (readFileSync(path, 'utf8') !== text) {
    console.error(`${name} is stale: run make generate`)
    process.exitCode = 1
  }
}
