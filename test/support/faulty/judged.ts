/** What the conformance suite says of a faulty runtime. */
import { mkdirSync } from 'node:fs'
import type { Report, Result } from '../../../conformance/results.ts'
import { compiled } from '../compiled.ts'
import { exec } from '../exec.ts'
import { writeFake } from '../fake_runtime.ts'
import { processesRootedIn } from '../leaks.ts'
import { patience } from '../pace.ts'
import { RUNTIME, repositoryPath } from '../place.ts'
import { scratch } from '../scratch.ts'
import { type Fault, type Faulty, scriptOf } from './faulty.ts'

/** The results, and the processes that are left of its containers: the suite takes away what these runtimes leave. */
export async function judged({
  groups,
  faults,
  only,
  apart = [],
  first: script,
  program,
}: Faulty): Promise<{ readonly results: readonly Result[]; readonly left: readonly string[] }> {
  if (program) await compiled(program)
  const [runtime, folder] = [`${scratch()}/runtime`, `${scratch()}/tmp`]
  writeFake(runtime, RUNTIME, scriptOf(Object.values(faults)))
  mkdirSync(folder)
  const which = [...groups.flatMap((name) => ['--group', name]), ...(only === undefined ? [] : ['--filter', only])]
  const argv = [repositoryPath('build/davit-conformance'), '--runtime', runtime, '--format', 'json', ...which]
  const own = [
    ...(apart.length > 0 ? ['unshare', ...apart] : []),
    ...(script === undefined ? [] : ['/bin/sh', '-ec', `${script}\nexec "$@"`, 'sh']),
  ]
  const [first = '', ...rest] = [...own, ...argv]
  const options = { env: { ...process.env, TMPDIR: folder }, timeout: patience(110_000) }
  const { stdout } = await exec(first, rest, options)
  return { results: (JSON.parse(stdout) as Report).runtimes[0]?.results ?? [], left: processesRootedIn(folder) }
}

/**
 * By fault, those of its cases that have failed, and those that have failed for none. Cases that this machine cannot judge
 * are left out.
 */
export function whatFailed(results: readonly Result[], faults: Readonly<Record<string, Fault>>) {
  const failed = new Set(results.filter(({ verdict }) => verdict === 'failed').map(({ id }) => id))
  const able = new Set(results.filter(({ verdict }) => verdict !== 'host-cannot').map(({ id }) => id))
  const known = Object.entries(faults).map(([name, { caught }]) => [name, caught.filter((id) => able.has(id))] as const)
  const all = new Set(known.flatMap(([, caught]) => caught))
  return {
    got: { ...Object.fromEntries(known.map(([name, caught]) => [name, caught.filter((id) => failed.has(id))])) },
    wanted: Object.fromEntries(known),
    unexpected: [...failed].filter((id) => !all.has(id)),
  }
}
