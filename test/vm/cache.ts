/** Things that take long to make are made once for each recipe, and kept in the cache folder. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs'
import { CACHE, say } from './host.ts'

/** A week: what no run has used for so long belongs to another state of the sources. */
const KEPT = 7 * 24 * 3600 * 1000

/**
 * Path of what `make` has made of this recipe, now or in an earlier run. `make` gets a path of its own to fill, which
 * gets its final name only when it is whole, so that two runs at once do no harm.
 */
export function cached(name: string, recipe: readonly string[], make: (path: string) => void): string {
  const hash = createHash('sha256').update(recipe.join('\0')).digest('hex').slice(0, 12)
  const path = `${CACHE}/${name}-${hash}`
  if (!existsSync(path)) {
    say(`making ${name}`)
    mkdirSync(CACHE, { recursive: true })
    const own = `${CACHE}/.new-${name}-${process.pid}`
    try {
      make(own)
      renameSync(own, path)
    } finally {
      rmSync(own, { recursive: true, force: true })
    }
  }
  const now = new Date()
  utimesSync(path, now, now)
  return path
}

/** Removes what has not been used for long, and what killed runs have left. */
export function tidy(): void {
  for (const name of existsSync(CACHE) ? readdirSync(CACHE) : []) {
    if (!/^(qemu|guest|engines|selinux)-[0-9a-f]{12}$|^\.new-/.test(name)) continue
    const path = `${CACHE}/${name}`
    const age = Date.now() - statSync(path).mtimeMs
    if (age > KEPT) rmSync(path, { recursive: true, force: true })
  }
}
