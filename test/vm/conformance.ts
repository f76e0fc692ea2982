/** docs/conformance for a machine with nothing but cgroup v2: what the suite said in a guest, as pages. */
import { readFileSync, writeFileSync } from 'node:fs'
import { FORMATS } from '../../conformance/report/formats.ts'
import type { Report } from '../../conformance/results.ts'
import { CHECKOUT, say } from './host.ts'

const PAGES = { md: 'cgroup_v2.md', html: 'cgroup_v2.html' } as const

/** Writes the pages from the suite's JSON; `results`: path of that. */
export function writeConformance(results: string): void {
  const report = JSON.parse(readFileSync(results, 'utf8')) as Report
  for (const [format, name] of Object.entries(PAGES)) {
    const path = `docs/conformance/${name}`
    writeFileSync(`${CHECKOUT}/${path}`, FORMATS[format]?.render(report) ?? '')
    say(path)
  }
}
