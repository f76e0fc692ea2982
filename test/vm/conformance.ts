/** docs/conformance for a machine with nothing but cgroup v2: what the suite said in a guest, as pages. */
import { readFileSync, writeFileSync } from 'node:fs'
import { FORMATS } from '../../conformance/report/formats.ts'
import type { Report } from '../../conformance/results.ts'
import { CHECKOUT, say } from './host.ts'

/** By process 1: which made the cgroups. */
const PAGES = { fast: 'cgroup_v2', systemd: 'cgroup_systemd' } as const

/** Writes the pages from the suite's JSON; `results`: path of that. */
export function writeConformance(init: keyof typeof PAGES, results: string): void {
  const report = JSON.parse(readFileSync(results, 'utf8')) as Report
  for (const format of ['md', 'html']) {
    const path = `docs/conformance/${PAGES[init]}.${format}`
    writeFileSync(`${CHECKOUT}/${path}`, FORMATS[format]?.render(report) ?? '')
    say(path)
  }
}
