/** What the conformance suite has in its TMPDIR while it runs. */
import { existsSync, readdirSync } from 'node:fs'

/** Folders of the state of the suite's runtimes, one for each of its workers. */
function stateRoots(folder: string): string[] {
  const below = (paths: string[]) =>
    paths.flatMap((path) => (existsSync(path) ? readdirSync(path).map((name) => `${path}/${name}`) : []))
  return below(below(below([folder]))).map((path) => `${path}/state`)
}

/** Ids of the containers that are there. */
export const containers = (folder: string) =>
  stateRoots(folder).flatMap((root) => (existsSync(root) ? readdirSync(root) : []))
