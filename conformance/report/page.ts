/** The HTML report: one file that needs no other, light or dark, with the evidence of every cell packed inside. */
import { gzipSync } from 'node:zlib'
import { cover, coverageByDocument } from '../coverage.ts'
import { countOf, type Judged, type Report, VERDICTS, WORDS } from '../results.ts'
import { escapeHtml } from './markup.ts'
import STYLE from './page.css' with { type: 'text' }
import CLIENT from './page_client.js' with { type: 'text' }
import { casesTable, requirementsTable } from './page_tables.ts'

function card({ name, version, path, seconds, note, results }: Judged, index: number): string {
  const count = countOf(results)
  const present = VERDICTS.filter((verdict) => count[verdict] > 0)
  const bar = present.map((verdict) => `<i class="${verdict}" style="flex:${count[verdict]}"></i>`).join('')
  const counts = VERDICTS.map((verdict) => `<span><b>${count[verdict]}</b> ${WORDS[verdict]}</span>`).join('')
  const remark = note === undefined ? '' : `<p class="note">${escapeHtml(note)}</p>`
  return (
    `<div class="card"><h2 id="runtime-${index}">${escapeHtml(name)} <small>${escapeHtml(version)}</small></h2><div class="bar">${bar}</div>` +
    `<div class="counts">${counts}</div><p class="note">${escapeHtml(path)}, ${seconds.toFixed(1)} s</p>${remark}</div>`
  )
}

function coverageCard(report: Report): string {
  const counts = coverageByDocument(cover(report.cases))
  const sum = (key: keyof (typeof counts)[number]['counts']) => counts.reduce((all, it) => all + it.counts[key], 0)
  const [covered, uncovered] = [sum('covered'), sum('uncovered')]
  return (
    `<div class="card"><h2>Specification <small>${escapeHtml(report.specification)}</small></h2><div class="bar">` +
    `<i class="passed" style="flex:${covered}"></i><i class="host-cannot" style="flex:${uncovered}"></i></div>` +
    `<div class="counts"><span><b>${covered}</b> requirements covered</span><span><b>${uncovered}</b> not yet</span>` +
    `<span><b>${sum('uncoverable')}</b> cannot be</span><span><b>${sum('apart')}</b> bind somebody else</span></div>` +
    `<p class="note">${report.cases.length} cases</p></div>`
  )
}

/** The evidence as the page unpacks it, by case and runtime: what is alike lies close together, and packs well. */
function pack({ cases, runtimes }: Report): string {
  const results = runtimes.map((it) => new Map(it.results.map((result) => [result.id, result])))
  const data = cases.map(({ id }) => {
    const own = results.map((of) => {
      const { reason, remark, ms, evidence } = of.get(id) ?? { evidence: [] }
      return { reason, remark, ms, evidence }
    })
    return [id, own]
  })
  return gzip(JSON.stringify(Object.fromEntries(data)))
}

const gzip = (text: string) => gzipSync(text, { level: 9 }).toString('base64')

const tables = (report: Report) => `<section id="cases">${casesTable(report)}</section>
<section id="requirements" hidden>${requirementsTable(report, cover(report.cases))}</section>`

const OPTIONS = [
  ...VERDICTS.map((verdict) => [verdict, WORDS[verdict]]),
  ['uncovered', 'requirements not covered'],
  ['uncoverable', 'requirements that cannot be covered'],
  ['apart', 'requirements that bind somebody else'],
]
  .map(([value, text]) => `<option value="${value}">${text}</option>`)
  .join('')

export function renderPage(report: Report): string {
  const names = report.runtimes.map(({ name }) => name).join(', ')
  const facts = `OCI runtime specification ${report.specification} · ${report.date.slice(0, 16).replace('T', ' ')} UTC`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>Conformance of ${escapeHtml(names)}</title>
<style>${STYLE}</style>
</head>
<body>
<div class="top"><h1>Runtime conformance</h1><p>${escapeHtml(facts)} · ${escapeHtml(report.machine)} · davit-conformance ${escapeHtml(report.suite)}</p></div>
<div class="cards">${report.runtimes.map(card).join('')}${coverageCard(report)}</div>
<div class="tools">
<nav><button data-view="cases" aria-pressed="true">Cases</button><button data-view="requirements">Requirements</button></nav>
<input id="q" type="search" placeholder="filter by id, clause or words ( / )" aria-label="filter">
<select id="verdict" aria-label="verdict"><option value="">every verdict</option>${OPTIONS}</select>
<span id="shown"></span><button id="theme" title="light or dark">◐</button>
</div>
<main>
<p id="none" hidden>Nothing fits this filter.</p>
</main>
<aside id="panel" hidden><button id="close" title="close (Escape)">✕</button><div id="panel-body"></div></aside>
<noscript>The tables of this page are packed: they need JavaScript, of this file alone.</noscript>
<script type="application/octet-stream" id="tables">${gzip(tables(report))}</script>
<script type="application/octet-stream" id="evidence">${pack(report)}</script>
<script type="module">${CLIENT}</script>
</body>
</html>
`
}
