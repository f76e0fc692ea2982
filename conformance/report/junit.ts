/** JUnit's XML, as CI servers read it: a suite for each runtime. Known deviations are skipped tests with their reason. */
import { linesOf } from '../evidence.ts'
import { countOf, type Judged, type Question, type Report, type Result } from '../results.ts'
import { escapeXml } from './markup.ts'

function testCase(result: Result, question: Question | undefined): string {
  const { id, verdict, reason = '', remark = '', ms, evidence } = result
  const open = `    <testcase classname="${escapeXml(question?.group ?? '')}" name="${escapeXml(id)}" time="${ms / 1000}"`
  if (verdict === 'passed') return `${open}/>`
  const text = `${question?.clause}: ${question?.asks}\n${evidence.flatMap(linesOf).join('\n')}`
  const inner = {
    failed: `<failure message="${escapeXml(reason)}">${escapeXml(text)}</failure>`,
    deviation: `<skipped message="${escapeXml(`known deviation: ${remark}`)}"/>`,
    'host-cannot': `<skipped message="${escapeXml(`host cannot: ${reason}`)}"/>`,
  }[verdict]
  return `${open}>\n      ${inner}\n    </testcase>`
}

function testSuite({ name, version, seconds, results }: Judged, report: Report): string {
  const count = countOf(results)
  const skipped = count.deviation + count['host-cannot']
  const title = escapeXml(`${name} ${version}`)
  const open = `  <testsuite name="${title}" tests="${results.length}" failures="${count.failed}" errors="0" skipped="${skipped}"`
  const cases = results.map((it) =>
    testCase(
      it,
      report.cases.find(({ id }) => id === it.id),
    ),
  )
  return `${open} time="${seconds}" timestamp="${report.date}">\n${cases.join('\n')}\n  </testsuite>`
}

export function renderJunit(report: Report): string {
  const suites = report.runtimes.map((it) => testSuite(it, report))
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n${suites.join('\n')}\n</testsuites>\n`
}
