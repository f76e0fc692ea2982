/** The Test Anything Protocol, version 13. */
import { linesOf } from '../evidence.ts'
import type { Judged, Question, Report, Result } from '../results.ts'

function diagnosis({ reason, evidence, verdict }: Result, { clause, asks, covers }: Question): string[] {
  const lines = [
    '  ---',
    `  clause: ${clause}`,
    `  requirements: ${covers.join(' ')}`,
    `  asks: ${JSON.stringify(asks)}`,
  ]
  lines.push(`  wrong: ${JSON.stringify(reason)}`)
  if (verdict === 'failed') lines.push('  evidence: |', ...evidence.flatMap(linesOf).map((line) => `    ${line}`))
  return [...lines, '  ...']
}

function linesFor(result: Result, question: Question, title: string): string[] {
  const { verdict, reason, remark } = result
  if (verdict === 'host-cannot') return [`ok ${title} # SKIP host cannot: ${reason}`]
  if (verdict === 'passed') return [`ok ${title}`, ...(remark === undefined ? [] : [`# ${remark}`])]
  const known = verdict === 'deviation' ? ` # TODO known deviation: ${remark}` : ''
  return [`not ok ${title}${known}`, ...diagnosis(result, question)]
}

/** All runtimes in one stream; the titles name the runtime where there are several. */
export function renderTap({ cases, runtimes }: Report): string {
  const questions = new Map(cases.map((it) => [it.id, it]))
  const prefix = ({ name }: Judged) => (runtimes.length > 1 ? `${name}: ` : '')
  const rows = runtimes.flatMap((judged) => judged.results.map((result) => ({ judged, result })))
  const lines = rows.flatMap(({ judged, result }, index) => {
    const question = questions.get(result.id)
    if (question === undefined) return []
    return linesFor(result, question, `${index + 1} - ${prefix(judged)}${result.id}`)
  })
  return `${['TAP version 13', `1..${rows.length}`, ...lines].join('\n')}\n`
}
