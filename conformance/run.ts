/**
 * Checks an OCI runtime against the specification: `make conformance RUNTIME=PATH`. Prints TAP, then a summary; fails
 * when a case fails that is no known deviation of that runtime.
 *
 *   --runtime PATH   the runtime (default build/davit)
 *   --filter RE      only cases whose id matches
 *   --list           print the cases
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { CASES } from './cases/catalog.ts'
import { type Evidence, linesOf } from './evidence.ts'
import { Subject } from './subject.ts'
import { type Case, deviationOf, Failed, HostCannot } from './suite.ts'
import { type Identity, parseIdentity } from './versions.ts'

const { values } = parseArgs({
  options: {
    runtime: { type: 'string', default: 'build/davit' },
    filter: { type: 'string', default: '' },
    list: { type: 'boolean', default: false },
  },
})

interface Verdict {
  readonly wrong: string | undefined
  /** What the machine lacks for the case. */
  readonly lack: string | undefined
  readonly record: readonly Evidence[]
}

/** Runs a case; what is wrong, if anything, and the record of its commands. */
function judge(subject: Subject, { test }: Case): Verdict {
  subject.record.length = 0
  let wrong: string | undefined
  let lack: string | undefined
  try {
    test(subject)
  } catch (error) {
    // What is no JSON, for example, is the runtime's fault as well.
    if (error instanceof HostCannot) lack = error.message
    else wrong = error instanceof Failed ? error.message : String(error)
  }
  const left = subject.cleanUp()
  if (left.length > 0) wrong ??= `left after delete --force: ${left.join(', ')}`
  return { wrong, lack, record: subject.record }
}

const COUNTS = { passed: 0, failed: 0, deviations: 0, lacking: 0 }

function report(number: number, it: Case, identity: Identity, { wrong, lack, record }: Verdict): void {
  const deviation = deviationOf(it, identity)
  const known = deviation?.why
  const { name } = identity
  const title = `${number} - ${it.id}`
  if (wrong === undefined && lack !== undefined) {
    COUNTS.lacking++
    console.log(`ok ${title} # SKIP host cannot: ${lack}`)
    return
  }
  if (wrong === undefined) {
    COUNTS.passed++
    console.log(`ok ${title}`)
    if (known) console.log(`# ${name} is said to deviate here, and does not`)
    return
  }
  if (known) COUNTS.deviations++
  else COUNTS.failed++
  console.log(`not ok ${title}${known ? ` # TODO known deviation: ${known}` : ''}`)
  const evidence = known !== undefined ? [] : record.flatMap(linesOf).map((line) => `    ${line}`)
  console.log(['  ---', `  clause: ${it.clause}`, `  asks: ${it.asks}`, `  wrong: ${JSON.stringify(wrong)}`].join('\n'))
  if (evidence.length > 0) console.log(['  evidence: |', ...evidence].join('\n'))
  console.log('  ...')
}

/** crun refuses a machine with v1 controllers and a v2 mount beside them: the rest runs where that is covered. */
function coverForCrun(name: string): void {
  const mounts = readFileSync('/proc/mounts', 'utf8')
  const unified = /^\S+ (\S+) cgroup2 /m.exec(mounts)?.[1]
  if (name !== 'crun' || process.env.CONFORMANCE_COVERED || !unified || !/ cgroup /.test(mounts)) return
  console.log(`# crun refuses a hybrid cgroup layout: ${unified} is covered with an empty tmpfs`)
  const line = `mount -t tmpfs none ${unified} && exec "$@"`
  const env = { ...process.env, CONFORMANCE_COVERED: '1' }
  const argv = ['--mount', 'sh', '-c', line, 'sh', process.execPath, ...process.argv.slice(1)]
  process.exit(spawnSync('unshare', argv, { stdio: 'inherit', env }).status ?? 1)
}

function main(): number {
  const cases = CASES.filter(({ id }) => new RegExp(values.filter).test(id))
  if (values.list) {
    for (const { id, clause, asks } of cases) console.log(`${id}\n    ${clause}: ${asks}`)
    return 0
  }
  if (process.getuid?.() !== 0) {
    console.error('the conformance suite needs root')
    return 2
  }
  const runtime = resolve(values.runtime)
  const version = execFileSync(runtime, ['--version'], { encoding: 'utf8' }).split('\n')[0] ?? ''
  const identity = parseIdentity(version)
  coverForCrun(identity.name)
  const folder = realpathSync(mkdtempSync(`${tmpdir()}/conformance-`))
  // Users that a namespace maps to others pass through it to their rootfs.
  chmodSync(folder, 0o711)
  console.log(`TAP version 13\n1..${cases.length}\n# ${version}`)
  try {
    const subject = new Subject(runtime, folder)
    cases.forEach((it, index) => {
      report(index + 1, it, identity, judge(subject, it))
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  if (COUNTS.lacking > 0) console.log(`# ${COUNTS.lacking} that this host cannot judge`)
  console.log(`# ${COUNTS.passed} passed, ${COUNTS.failed} failed, ${COUNTS.deviations} known deviations`)
  return COUNTS.failed > 0 ? 1 : 0
}

process.exitCode = main()
