/**
 * Writes native/ops.gen.h, or with --check fails when it is stale. Run by `make generate` and `make check`;
 * not part of the product.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { cHeader } from './header.ts'

const path = new URL('../../native/ops.gen.h', import.meta.url).pathname
if (!process.argv.includes('--check')) {
  writeFileSync(path, cHeader())
} else if (readFileSync(path, 'utf8') !== cHeader()) {
  console.error('native/ops.gen.h is stale: run make generate')
  process.exitCode = 1
}
