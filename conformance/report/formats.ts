/** The formats of a report, by the name that `--format` takes. */
import type { Report } from '../results.ts'
import { renderJunit } from './junit.ts'
import { renderMarkdown } from './markdown.ts'
import { renderPage } from './page.ts'
import { renderTap } from './tap.ts'

export interface Format {
  /** Name of its file in `--out`. */
  readonly file: string
  readonly render: (report: Report) => string
}

export const FORMATS: Readonly<Record<string, Format>> = {
  tap: { file: 'conformance.tap', render: renderTap },
  junit: { file: 'conformance.xml', render: renderJunit },
  json: { file: 'conformance.json', render: (report) => `${JSON.stringify(report, null, 1)}\n` },
  html: { file: 'conformance.html', render: renderPage },
  md: { file: 'conformance.md', render: renderMarkdown },
}
