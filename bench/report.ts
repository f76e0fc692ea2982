/** The table of figures, for people: printed by `make bench`, and kept in README.md between two marks. */
import { readFileSync, writeFileSync } from 'node:fs'
import type { Charge } from './memory.ts'
import type { Results } from './model.ts'

const NAMES = ['davit', 'runc', 'crun']

const ROWS: readonly [string, string][] = [
  ['`run` of /bin/true', 'run'],
  ["the same with an engine's seccomp profile", 'seccomp'],
  ['the same with 100 bind mounts', 'binds'],
  ['the same with 100 masked paths', 'masks'],
  ['`run` of /bin/true, 50 ms after the last²', 'runRested'],
  ["the same with an engine's seccomp profile", 'seccompRested'],
  ['the same with 100 bind mounts', 'bindsRested'],
  ['the same with 100 masked paths', 'masksRested'],
  ['create, start, kill, delete', 'sequence'],
  ['create', 'create'],
  ['start', 'start'],
  ['kill', 'kill'],
  ['delete', 'delete'],
  ['`exec` of /bin/true', 'exec'],
  ['the first `exec` in a container', 'execFirst'],
  ['`state`', 'state'],
  ['`--version`', 'version'],
]

const size = (kib: number | undefined): string =>
  kib === undefined ? '–' : kib < 1024 ? `${kib} KiB` : `${(kib / 1024).toFixed(1)} MiB`

const charged = (charge: Charge | undefined): string =>
  charge ? `${charge.anon} + ${charge.file} + ${charge.kernel} KiB` : '–'

/** A Markdown table, aligned. */
export function figures(results: Results): string {
  const names = NAMES.filter((name) => name in results.runtimes)
  const lines = [['measure', ...names.map((name) => `${name} ${results.runtimes[name]}`), 'davit / runc']]
  for (const [title, key] of ROWS) {
    const row = results.times[key]
    if (!row) continue // measured before there was such a row
    const ratio = row.davit && row.runc ? (row.davit.median / row.runc.median).toFixed(2) : '–'
    lines.push([title, ...names.map((name) => (row[name] ? `${row[name].median.toFixed(1)} ms` : '–')), ratio])
  }
  lines.push(['smallest memory limit for /bin/true', ...names.map((name) => size(results.smallestLimit[name])), ''])
  lines.push(['peak RSS of the runtime', ...names.map((name) => size(results.peakRss[name])), ''])
  const { waitingRss } = results
  if (waitingRss) lines.push(['RSS of a `run` that waits', ...names.map((name) => size(waitingRss[name])), ''])
  lines.push(['in the memory cgroup of `sleep`¹', ...names.map((name) => charged(results.left[name])), ''])
  const { machine } = results
  return [
    ...align(lines),
    '',
    `Medians of ${results.times.run?.davit?.runs ?? 0} runs in turn, ${results.date}, Linux ${machine.kernel}, ` +
      `${machine.cpus} CPUs (${machine.cpu}).`,
    `¹ anonymous + file + kernel memory; the same process without any runtime: ${charged(results.left.bare)}.`,
    ...(results.times.runRested
      ? ['² As on a machine that starts a container now and then: nothing hurries the kernel, for which runc waits.']
      : []),
  ].join('\n')
}

function align(lines: readonly (readonly string[])[]): string[] {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)))
  const text = (line: readonly string[]) => `| ${line.map((cell, n) => cell.padEnd(widths[n] ?? 0)).join(' | ')} |`
  const [head = [], ...rest] = lines
  return [text(head), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...rest.map(text)]
}

const MARKED = /(<!-- figures: (\S+) -->\n)[\s\S]*?(<!-- end of figures -->)/

/** README's text with the table of the results file that its mark names, a path in `folder`. */
export function withFigures(readme: string, folder: string): string {
  return readme.replace(MARKED, (_, start: string, path: string, end: string) => {
    const results = JSON.parse(readFileSync(folder + path, 'utf8')) as Results
    return `${start}\n${figures(results)}\n\n${end}`
  })
}

if (process.argv[1]?.endsWith('bench/report.ts')) {
  const old = readFileSync('README.md', 'utf8')
  const text = withFigures(old, '')
  if (!process.argv.includes('--check')) writeFileSync('README.md', text)
  else if (text !== old) {
    console.error('the figures in README.md are not those of the results it names: run bun bench/report.ts')
    process.exitCode = 1
  }
}
