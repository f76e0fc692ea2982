/** The command line of the suite. */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { CASES, type Grouped } from './cases/catalog.ts'
import type { CgroupDriver } from './cgroup_driver.ts'
import { FORMATS } from './report/formats.ts'

export const HELP = `Usage: davit-conformance --runtime PATH [--runtime PATH ...] [options]

Judges OCI runtimes by the specification, on real containers. Needs root.

  --runtime PATH   a runtime with the command line of runc; may be given again
  --group NAME     only cases of this group; may be given again
  --filter RE      only cases whose id matches
  --jobs N         how many cases at once (default: one for each CPU)
  --patience N     give a case up after so many seconds, and fail it (default: 120)
  --lifecycles N   also the cases of group load; so many containers come and go (default: 200)
  --format NAME    tap, junit, json, html or md; may be given again with --out
  --out DIR        where the reports go (default: the one report goes to stdout)
  --systemd-cgroup the runtime gets this flag, and cgroupsPath is slice:prefix:name: systemd makes the cgroups
  --thorough       run each race a thousand times, not forty: minutes more for each
  --list           print the cases and what they cover
  --help           print this

Exit code: 0 if no case failed but as it is known to, 1 if one did, 2 if nothing was judged.
`

/** What is wrong with the command line, or keeps the suite from judging: one line, exit code 2. */
export class Unusable extends Error {}

export interface Options {
  readonly runtimes: readonly string[]
  readonly cases: readonly Grouped[]
  readonly jobs: number
  /** How long a case may take, in milliseconds. */
  readonly patience: number
  readonly lifecycles: number
  readonly formats: readonly string[]
  readonly out: string | undefined
  /** Who makes the cgroups. */
  readonly driver: CgroupDriver
  /** How often a race is run. */
  readonly turns: number
  readonly list: boolean
  readonly help: boolean
}

const STRING = { type: 'string' } as const
const STRINGS = { type: 'string', multiple: true, default: [] as string[] } as const
const FLAG = { type: 'boolean', default: false } as const

function read(argv: readonly string[]) {
  const options = {
    runtime: STRINGS,
    group: STRINGS,
    filter: STRING,
    jobs: STRING,
    patience: STRING,
    lifecycles: STRING,
    format: STRINGS,
    out: STRING,
    'systemd-cgroup': FLAG,
    thorough: FLAG,
    list: FLAG,
    help: FLAG,
  }
  try {
    return parseArgs({ args: [...argv], options }).values
  } catch (error) {
    const [line = ''] = String((error as Error).message).split('\n')
    throw new Unusable(line.charAt(0).toLowerCase() + line.slice(1))
  }
}

function pattern(text: string): RegExp {
  try {
    return new RegExp(text)
  } catch {
    throw new Unusable(`--filter ${JSON.stringify(text)} is no regular expression`)
  }
}

/** Without `long` those cases that take long are left out, unless their group is named. */
function select(groups: readonly string[], filter: string, long: boolean): readonly Grouped[] {
  const known = [...new Set(CASES.map(({ group }) => group))]
  const unknown = groups.find((name) => !known.includes(name))
  if (unknown !== undefined) throw new Unusable(`no group ${JSON.stringify(unknown)}: there are ${known.join(', ')}`)
  const expression = pattern(filter)
  const found = CASES.filter(({ id, group, onRequest = false }) => {
    const named = groups.includes(group)
    return expression.test(id) && (named || (groups.length === 0 && (long || !onRequest)))
  })
  if (found.length === 0) throw new Unusable('no case is selected')
  return found
}

/** Reads the command line; what cannot be is told in one line. */
export function parseOptions(argv: readonly string[]): Options {
  const values = read(argv)
  const count = (name: 'jobs' | 'patience' | 'lifecycles', usual: number) => {
    const number = Number(values[name] ?? usual)
    if (!Number.isInteger(number) || number < 1) throw new Unusable(`--${name} ${values[name]} is no number from 1 on`)
    return number
  }
  const format = values.format.find((name) => FORMATS[name] === undefined)
  if (format !== undefined) {
    throw new Unusable(`no format ${JSON.stringify(format)}: there are ${Object.keys(FORMATS).join(', ')}`)
  }
  if (values.format.length > 1 && values.out === undefined) throw new Unusable('several formats need --out')
  if (values.out !== undefined && values.format.length === 0) throw new Unusable('--out needs --format')
  return {
    runtimes: values.runtime,
    cases: values.help ? [] : select(values.group, values.filter ?? '', values.list || values.lifecycles !== undefined),
    jobs: count('jobs', availableParallelism()),
    patience: count('patience', 120) * 1000,
    lifecycles: count('lifecycles', 200),
    formats: values.format,
    out: values.out,
    driver: values['systemd-cgroup'] ? 'systemd' : 'cgroupfs',
    turns: values.thorough ? 1000 : 40,
    list: values.list,
    help: values.help,
  }
}
