/** Runs one case against one runtime. */
import { heedSign, Interrupted } from './interrupt.ts'
import { leavingOf } from './leaving.ts'
import { placesOf } from './machine.ts'
import type { Result } from './results.ts'
import type { Subject } from './subject.ts'
import { type Case, type Deviation, deviationOf, Failed, HostCannot, Left } from './suite.ts'
import type { Identity } from './versions.ts'

interface Outcome {
  readonly wrong?: string
  /** What is left of a container, if that is what is wrong. */
  readonly left?: Left
  readonly lack?: string
  readonly interrupted?: Interrupted
}

function attempt(test: Case['test'], subject: Subject): Outcome {
  try {
    test(subject)
    return {}
  } catch (error) {
    if (error instanceof Interrupted) return { interrupted: error }
    if (error instanceof HostCannot) return { lack: error.message }
    if (error instanceof Left) return { wrong: error.message, left: error }
    // What is no JSON, for example, is the runtime's fault as well.
    return { wrong: error instanceof Failed ? error.message : String(error) }
  }
}

const sightings = ({ seen, unseen }: { seen: string; unseen?: string }) =>
  `(seen with ${seen}${unseen === undefined ? '' : `, not with ${unseen}`})`

/** Which versions do it, and why, and against which clause where that is another than the case's. */
function describe(deviation: Deviation, { name }: Identity): string {
  const { why, clause } = deviation
  const which = 'seen' in deviation ? sightings(deviation) : deviation.versions
  return `${name} ${which} ${why}${clause === undefined ? '' : ` (${clause})`}`
}

/** Runs a case and takes its containers away; what is left of them then is a failure, too. Throws {@link Interrupted}. */
export function judge(it: Case, subject: Subject, identity: Identity): Result {
  subject.record.length = 0
  subject.table = undefined
  const begin = performance.now()
  const { wrong: found, left: before, lack, interrupted } = attempt(it.test, subject)
  heedSign()
  const { wrong: after, left: atLast } = attempt(() => {
    const left = subject.cleanUp()
    if (left.length > 0) throw new Left(left, 'delete')
  }, subject)
  if (interrupted && after !== undefined) process.stderr.write(`davit-conformance: ${it.id}, interrupted: ${after}\n`)
  if (interrupted) throw interrupted
  const wrong = found ?? after
  const figures = subject.table === undefined ? {} : { figures: subject.table }
  const base = { id: it.id, ms: Math.round(performance.now() - begin), evidence: [...subject.record], ...figures }
  const places = placesOf(subject.setting.driver)
  const left = found === undefined ? atLast : before
  const leaving = left && leavingOf(left, identity, places)
  const deviation = deviationOf(it, identity, places) ?? leaving
  const known = deviation && describe(deviation, identity)
  if (wrong !== undefined && known !== undefined) return { ...base, verdict: 'deviation', reason: wrong, remark: known }
  if (wrong !== undefined) return { ...base, verdict: 'failed', reason: wrong }
  if (lack !== undefined) return { ...base, verdict: 'host-cannot', reason: lack }
  if (deviation?.race) return { ...base, verdict: 'passed', remark: `not lost this time: ${known}` }
  const stale = `said to deviate, and does not: ${known}`
  return { ...base, verdict: 'passed', ...(known === undefined ? {} : { remark: stale }) }
}
