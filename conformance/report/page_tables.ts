/** The two tables of the HTML report: cases and requirements. */
import { type Covered, verdictOf } from '../coverage.ts'
import { linkTo } from '../requirements/requirement.ts'
import type { Judged, Question, Report, Result, Verdict } from '../results.ts'
import { escapeHtml } from './markup.ts'

const SHORT: Readonly<Record<Verdict, string>> = {
  passed: '✓ passed',
  failed: '✗ failed',
  deviation: '≠ deviates',
  'host-cannot': '– cannot',
}

const clauseOf = (clause: string) => {
  const link = linkTo(clause)
  const text = escapeHtml(clause)
  return link === undefined
    ? `<span class="clause">${text}</span>`
    : `<a class="clause" href="${escapeHtml(link)}" target="_blank" rel="noopener">${text}</a>`
}

const heads = (runtimes: readonly Judged[]) =>
  runtimes
    .map(({ name, version }) => `<th class="runtime">${escapeHtml(name)}<small>${escapeHtml(version)}</small></th>`)
    .join('')

/** A row that the filters know by the verdicts in it, and by its text. */
const opening = (verdicts: readonly string[]) => `<tr class="row" data-verdicts="${verdicts.join(' ')}">`

// The page makes a link of each name: written out, they would be half of the file.
const names = (list: readonly string[]) => `<div class="tags">${escapeHtml(list.join(' '))}</div>`

function cell(runtime: number, result: Result | undefined): string {
  if (result === undefined) return '<td></td>'
  const { id, verdict } = result
  return `<td><button class="cell ${verdict}" id="${runtime}/${escapeHtml(id)}">${SHORT[verdict]}</button></td>`
}

function groupHead(title: string, count: string, columns: number): string {
  return `<tr class="group"><th colspan="${columns}">${title} <small>${escapeHtml(count)}</small></th></tr>`
}

const groupBy = <T>(list: readonly T[], key: (it: T) => string) => {
  const groups = new Map<string, T[]>()
  for (const it of list) groups.set(key(it), [...(groups.get(key(it)) ?? []), it])
  return [...groups]
}

/** Cases by group, with a cell for each runtime. */
export function casesTable({ cases, runtimes }: Report): string {
  const results = runtimes.map(({ results: of }) => new Map(of.map((it) => [it.id, it])))
  const row = ({ id, clause, asks, covers }: Question) => {
    const own = results.map((of) => of.get(id))
    const verdicts = own.flatMap((it) => (it ? [it.verdict] : []))
    return (
      `${opening(verdicts)}<td><div class="id">${escapeHtml(id)}</div><div class="asks">${escapeHtml(asks)}</div>` +
      `${names(covers)}</td><td>${clauseOf(clause)}</td>${own.map((it, i) => cell(i, it)).join('')}</tr>`
    )
  }
  const bodies = groupBy(cases, ({ group }) => group).map(([group, own]) => {
    const head = groupHead(escapeHtml(group), `${own.length} cases`, 2 + runtimes.length)
    return `<tbody>${head}${own.map(row).join('\n')}</tbody>`
  })
  return `<table><thead><tr><th>case</th><th>clause</th>${heads(runtimes)}</tr></thead>${bodies.join('\n')}</table>`
}

const APART: Readonly<Record<string, string>> = {
  config: 'binds who writes config.json',
  agent: 'binds the seccomp agent',
  spec: 'binds the specification',
  elsewhere: 'binds other platforms',
}

function coveredBy({ cases, coverage, uncoverable, binds }: Covered): string {
  if (cases.length > 0) return names(cases)
  const why = coverage === 'uncoverable' ? `cannot be covered: ${uncoverable}` : APART[binds]
  return `<span class="why">${escapeHtml(why ?? 'not covered yet')}</span>`
}

/** Requirements by clause, with what the cases say together for each runtime. */
export function requirementsTable({ runtimes }: Report, list: readonly Covered[]): string {
  const results = runtimes.map(({ results: of }) => new Map(of.map((it) => [it.id, it])))
  const row = (it: Covered) => {
    const verdicts = results.map((of) => verdictOf(it.cases, of))
    const cells = verdicts.map((verdict) =>
      verdict === undefined ? '<td></td>' : `<td><span class="badge ${verdict}">${SHORT[verdict]}</span></td>`,
    )
    const classes = [...verdicts.flatMap((verdict) => (verdict ? [verdict] : [])), it.coverage]
    return (
      `${opening(classes)}<td><div class="id">${it.id}</div><div class="level">${it.level}</div></td>` +
      `<td>${escapeHtml(it.text)}</td><td>${coveredBy(it)}</td>${cells.join('')}</tr>`
    )
  }
  const bodies = groupBy(list, ({ clause }) => clause).map(([clause, own]) => {
    const covered = own.filter(({ coverage }) => coverage === 'covered').length
    const head = groupHead(clauseOf(clause), `${covered} of ${own.length} covered`, 3 + runtimes.length)
    return `<tbody>${head}${own.map(row).join('\n')}</tbody>`
  })
  return `<table><thead><tr><th>requirement</th><th>rule</th><th>cases</th>${heads(runtimes)}</tr></thead>${bodies.join('\n')}</table>`
}
