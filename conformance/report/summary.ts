/** What a run comes to, for people at a terminal. */
import { cover, coverageByDocument } from '../coverage.ts'
import { linesOf } from '../evidence.ts'
import { countOf, type Judged, type Report } from '../results.ts'

/** Columns as wide as their contents; all but the first to the right. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  const line = (row: readonly string[]) =>
    row.map((text, i) => (i === 0 ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0))).join('  ')
  return rows.map((row) => `${line(row)}\n`).join('')
}

/** Each case that failed, with its evidence. */
export function renderFailures({ runtimes, cases }: Report): string {
  const lines = runtimes.flatMap(({ name, version, results }) =>
    results
      .filter(({ verdict }) => verdict === 'failed')
      .flatMap(({ id, reason, evidence }) => {
        const question = cases.find((it) => it.id === id)
        return [
          `${name} ${version} fails ${id}: ${reason}`,
          `  ${question?.clause}: ${question?.asks}`,
          ...evidence.flatMap(linesOf).map((line) => `    ${line}`),
          '',
        ]
      }),
  )
  return lines.map((line) => `${line}\n`).join('')
}

const rowOf = ({ name, version, seconds, results }: Judged) => {
  const count = countOf(results)
  const numbers = [count.passed, count.failed, count.deviation, count['host-cannot']]
  return [`${name} ${version}`, ...numbers.map(String), `${seconds.toFixed(1)} s`]
}

/** A row for each runtime, what was remarkable, and how much of the specification the cases cover. */
export function renderSummary({ runtimes, cases }: Report): string {
  const head = ['runtime', 'passed', 'failed', 'known deviations', 'host cannot', 'time']
  const remarks = runtimes.flatMap(({ name, note, results }) => [
    ...(note === undefined ? [] : [`${name}: ${note}`]),
    ...results
      .filter(({ verdict, remark }) => verdict === 'passed' && remark)
      .map(({ id, remark }) => `${id}: ${remark}`),
  ])
  const counts = coverageByDocument(cover(cases)).map(({ counts: it }) => it)
  const sum = (of: (it: (typeof counts)[number]) => number) => counts.reduce((all, it) => all + of(it), 0)
  const bound = sum((it) => it.covered + it.uncovered)
  const coverage = `${cases.length} cases cover ${sum((it) => it.covered)} of ${bound} requirements that can be covered`
  return [table([head, ...runtimes.map(rowOf)]), ...remarks.map((text) => `${text}\n`), `${coverage}\n`].join('')
}
