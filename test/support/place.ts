/** Where things are. */
import { resolve } from 'node:path'

const REPOSITORY = resolve(import.meta.dirname, '../..')

/** Absolute path of a file of the repository. */
export function repositoryPath(path: string): string {
  return `${REPOSITORY}/${path}`
}

/** The runtime under test: build/davit, or the one that RUNTIME names. */
export const RUNTIME = resolve(process.env.RUNTIME ?? repositoryPath('build/davit'))

/** Another runtime than davit, to hold the tests themselves against. */
export const IS_REFERENCE = RUNTIME !== repositoryPath('build/davit')
