/**
 * Inputs that are kept: what once was a fault, and what leads far. A file for each target, a JSON list with a line for
 * each input.
 */
import { existsSync, readFileSync } from 'node:fs'
import { repositoryPath } from '../support/place.ts'

export function readCorpus(target: string): unknown[] {
  const path = repositoryPath(`test/fuzz/corpus/${target}.json`)
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : []
}
