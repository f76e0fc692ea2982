/** Pages of the manual from the table of commands and the prose that belongs to each. */
import { GLOBALS } from '../../src/cli/globals.ts'
import type { OptionSpec, OptionTable, PositionalSpec, VerbSpec } from '../../src/cli/option.ts'
import { VERBS, type VerbName, type Verbs } from '../../src/cli/table.ts'
import { MAIN } from './main_page.ts'
import { bold, code, entry, italic, paragraph, prose, section, title } from './roff.ts'
import { VERB_PAGES } from './verb_pages.ts'

/** What the table does not say. */
export interface Page {
  /** Paragraphs. */
  readonly description: readonly string[]
  /** Exit statuses beyond 0 and that of a failure. */
  readonly exit?: readonly (readonly [status: string, meaning: string])[]
  readonly files?: readonly (readonly [path: string, meaning: string])[]
  readonly examples: readonly Example[]
  /** Other pages of davit, and those of others by name and section. */
  readonly related: readonly (VerbName | { readonly name: string; readonly section: number })[]
}

export interface Example {
  readonly text: string
  readonly lines: readonly string[]
}

export interface Edition {
  readonly version: string
  /** YYYY-MM-DD. */
  readonly date: string
}

/** Placeholder of a value: what the table says, or what it may be. */
function placeholder(spec: Pick<OptionSpec, 'value' | 'choices' | 'type'>): string {
  if (spec.value) return italic(spec.value)
  if (spec.choices) return spec.choices.map(bold).join('|')
  return italic('N')
}

function optionTerm(name: string, spec: OptionSpec): string {
  const names = [...(spec.alias ? [bold(`-${spec.alias}`)] : []), bold(`--${name}`)].join(', ')
  return spec.type === 'boolean' || spec.type === 'count' ? names : `${names} ${placeholder(spec)}`
}

function options(table: OptionTable): string[] {
  return Object.entries(table).flatMap(([name, spec]) => {
    if (spec.hidden) return []
    const more = spec.type === 'array' ? ' May be given several times.' : ''
    const preset = spec.default === undefined ? '' : ` Default: \`${spec.default}\`.`
    return [entry(optionTerm(name, spec), `${sentence(spec.description)}${more}${preset}`)]
  })
}

/** The table's phrases as sentences; a form such as user[:group] keeps its case. */
function sentence(text: string): string {
  const word = /^[a-z]+[ ,;:]/.test(text) ? text[0]?.toUpperCase() : text[0]
  return `${word}${text.slice(1)}.`
}

function positionalTerm({ name, required, choices, value }: PositionalSpec): string {
  const word = choices ? choices.map(bold).join('|') : italic(value && value !== 'CONTAINER' ? value : name)
  return required ? word : `[${word}]`
}

function synopsis(verb: string, { positionals, options: table, rest }: VerbSpec): string {
  const flags = Object.values(table).some(({ hidden }) => !hidden) ? [`[${italic('options')}]`] : []
  const words = [...positionals.map(positionalTerm), ...(rest ? [`[${italic('argument')}...]`] : [])]
  return `${[bold('davit'), `[${italic('global options')}]`, bold(verb), ...flags, ...words].join(' ')}\n`
}

function seeAlso(related: Page['related'], own: boolean): string {
  const pages = related.map((page) => (typeof page === 'string' ? { name: `davit-${page}`, section: 8 } : page))
  const all = own ? pages : [{ name: 'davit', section: 8 }, ...pages]
  return section('see also', all.map(({ name, section: number }) => `${bold(name)}(${number})`).join(',\n'), '\n')
}

function examples(list: readonly Example[]): string[] {
  return list.length === 0 ? [] : [section('examples', ...list.map(({ text, lines }) => paragraph(text) + code(lines)))]
}

function files(list: Page['files']): string[] {
  return list ? [section('files', ...list.map(([path, meaning]) => entry(italic(path), meaning)))] : []
}

/** davit-VERB(8). */
export function verbPage(verb: keyof typeof VERB_PAGES, edition: Edition): string {
  const spec: VerbSpec = (VERBS as Verbs)[verb] as VerbSpec
  const page: Page = VERB_PAGES[verb]
  const failure = spec.failure ?? 1
  const given = spec.positionals.map((positional) => {
    const preset = positional.default === undefined ? '' : ` Default: \`${positional.default}\`.`
    return entry(positionalTerm({ ...positional, required: true }), `${sentence(positional.description)}${preset}`)
  })
  const flags = options(spec.options)
  return [
    title(`davit-${verb}`, edition.date, edition.version),
    section('name', `davit\\-${verb} \\- ${prose(spec.summary)}\n`),
    section('synopsis', synopsis(verb, spec)),
    section('description', ...page.description.map(paragraph), ...(spec.details ? [paragraph(spec.details)] : [])),
    ...(given.length > 0 ? [section('arguments', ...given)] : []),
    ...(flags.length > 0 ? [section('options', ...flags)] : []),
    section(
      'exit status',
      entry(bold('0'), 'Success.'),
      ...(page.exit ?? []).map(([status, meaning]) => entry(bold(status), meaning)),
      entry(bold(String(failure)), 'It failed; one line on standard error, and in the log, says why.'),
    ),
    ...files(page.files),
    ...examples(page.examples),
    seeAlso(page.related, false),
  ].join('')
}

/** davit(8). */
export function mainPage(edition: Edition): string {
  const verbs = Object.keys(VERB_PAGES) as (keyof typeof VERB_PAGES)[]
  return [
    title('davit', edition.date, edition.version),
    section('name', 'davit \\- an OCI container runtime\n'),
    section(
      'synopsis',
      `${bold('davit')} [${italic('global options')}] ${italic('command')} [${italic('options')}] [${italic('argument')}...]\n`,
    ),
    section('description', ...MAIN.description.map(paragraph)),
    section(
      'commands',
      ...verbs.map((verb) => entry(`${bold(`davit-${verb}`)}(8)`, sentence((VERBS as Verbs)[verb]?.summary ?? ''))),
    ),
    section('global options', paragraph(MAIN.globals), ...options(GLOBALS)),
    section('exit status', ...MAIN.exit.map(([status, meaning]) => entry(bold(status), meaning))),
    section('environment', ...MAIN.environment.map(([name, meaning]) => entry(bold(name), meaning))),
    ...files(MAIN.files),
    ...examples(MAIN.examples),
    seeAlso(MAIN.related, true),
  ].join('')
}
