/** The matrix as Markdown: what runtimes do, case by case, and which requirements are covered. */
import { type Covered, cover, coverageByDocument, verdictOf } from '../coverage.ts'
import { linkTo } from '../requirements/requirement.ts'
import { countOf, type Judged, type Report, type Result, type Verdict, WORDS } from '../results.ts'

const SIGNS: Readonly<Record<Verdict, string>> = { passed: '✓', failed: '✗', deviation: '≠', 'host-cannot': '–' }

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ').replaceAll('<', '&lt;')
const row = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`
const table = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [row(head), `|${head.map(() => '---|').join('')}`, ...rows.map(row)].join('\n')
const title = ({ name, version }: Judged) => `${name} ${version}`
const clauseLink = (clause: string) => {
  const link = linkTo(clause)
  return link === undefined ? clause : `[${clause}](${link})`
}
const byId = (judged: Judged) => new Map<string, Result>(judged.results.map((it) => [it.id, it]))

function totals({ runtimes }: Report): string {
  const head = ['runtime', 'passed', 'failed', 'known deviations', 'host cannot', 'seconds']
  const rows = runtimes.map((it) => {
    const count = countOf(it.results)
    const numbers = [count.passed, count.failed, count.deviation, count['host-cannot'], Math.round(it.seconds)]
    return [title(it), ...numbers.map(String)]
  })
  const notes = runtimes.filter(({ note }) => note).map((it) => `${title(it)}: ${it.note}.`)
  return [table(head, rows), ...notes].join('\n\n')
}

/** Every result that is not "passed", with the clause and the reason. */
function differences({ runtimes, cases }: Report): string {
  const rows = runtimes.flatMap((judged) =>
    judged.results
      .filter(({ verdict }) => verdict !== 'passed')
      .map(({ id, verdict, reason = '', remark = '' }) => {
        const question = cases.find((it) => it.id === id)
        const why = verdict === 'deviation' ? remark : reason
        return [judged.name, id, WORDS[verdict], clauseLink(question?.clause ?? ''), question?.asks ?? '', why]
      }),
  )
  return table(['runtime', 'case', 'verdict', 'clause', 'it asks', 'why'], rows)
}

function matrix({ runtimes, cases }: Report): string {
  const results = runtimes.map(byId)
  const rows = cases.map(({ id, group, clause, asks }) => [
    group,
    id,
    ...results.map((of) => SIGNS[of.get(id)?.verdict ?? 'host-cannot']),
    clauseLink(clause),
    asks,
  ])
  return table(['group', 'case', ...runtimes.map(title), 'clause', 'asks'], rows)
}

function requirements({ runtimes }: Report, list: readonly Covered[]): string {
  const results = runtimes.map(byId)
  const rows = list
    .filter(({ coverage }) => coverage !== 'apart')
    .map(({ id, clause, level, text, cases, coverage, uncoverable }) => [
      id,
      level,
      clauseLink(clause),
      text,
      coverage === 'uncoverable' ? `cannot be covered: ${uncoverable}` : cases.join(', ') || 'not covered',
      ...results.map((of) => {
        const verdict = verdictOf(cases, of)
        return verdict === undefined ? '' : SIGNS[verdict]
      }),
    ])
  return table(['id', 'level', 'clause', 'rule', 'cases', ...runtimes.map(title)], rows)
}

/** What was measured, a table for each runtime and case. */
function figures({ runtimes }: Report): string {
  const tables = runtimes.flatMap((judged) =>
    judged.results.flatMap(({ id, figures: it }) =>
      it === undefined ? [] : [`${title(judged)}, ${id}:\n\n${table(it.head, it.rows)}\n`],
    ),
  )
  return tables.length === 0 ? '' : `## Figures\n\n${tables.join('\n')}\n`
}

export function renderMarkdown(report: Report): string {
  const list = cover(report.cases)
  const counts = coverageByDocument(list).map(({ document, all, counts: it }) =>
    [document, all, it.covered, it.uncoverable, it.uncovered, it.apart].map(String),
  )
  const head = ['document', 'requirements', 'covered', 'cannot be covered', 'not covered', 'bind somebody else']
  return `# Conformance of ${report.runtimes.map(title).join(', ')}

By \`davit-conformance\` ${report.suite}, on ${report.date.slice(0, 10)}, ${report.machine}. ✓ passed, ✗ failed, ≠ known
deviation, – the machine lacks what the case needs.

${totals(report)}

## What was not passed

${differences(report)}

${figures(report)}## Requirements

Every MUST, SHOULD and REQUIRED of version ${report.specification} of the specification, in words of our own.

${table(head, counts)}

${requirements(report, list)}

## Cases

${matrix(report)}
`
}
