/**
 * The licences of what the product contains, from the metafile of its build: packages bundled into the executable, Bun,
 * which it is compiled with, koffi's native part, which lies beside it with the GNU C++ library linked in, and the busybox
 * that the conformance suite carries. licenses.ts METAFILE BUSYBOX prints one text.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'

interface Package {
  readonly name: string
  readonly version: string
  readonly license?: string
  readonly homepage?: string
}

const meta = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as { inputs: Record<string, unknown> }
// Headers compiled into koffi.node.
const ADDON_API = 'node_modules/koffi/vendor/node-addon-api'

const folders = new Set<string>(['node_modules/bun', 'node_modules/koffi', ADDON_API])
for (const path of Object.keys(meta.inputs)) {
  const folder = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]
  if (folder) folders.add(folder)
}

// Bun's package carries no text of its licence; it is MIT, and contains JavaScriptCore, which is LGPL-2.
const WITHOUT_TEXT: Readonly<Record<string, string>> = {
  bun:
    'MIT, Copyright (c) the Bun contributors. Statically linked with WebKit and JavaScriptCore (LGPL-2.1) and others:\n' +
    'https://bun.com/docs/project/licensing lists them, with the places of their sources.',
}

function textOf(folder: string, name: string): string {
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry))
  if (file) return readFileSync(`${folder}/${file}`, 'utf8').trim()
  const known = WITHOUT_TEXT[name]
  if (known === undefined) throw new Error(`${folder}: no licence text`)
  return known
}

console.log('davit contains or comes with these works of others.')
for (const folder of [...folders].sort()) {
  const path = `${folder}/package.json`
  const known = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Package) : undefined
  const { name, version, license } = known ?? { name: basename(folder), version: '', license: 'MIT' }
  console.log(`\n${'='.repeat(78)}\n${name} ${version}: ${license}\n\n${textOf(folder, name)}`)
}
console.log(
  `\n${'='.repeat(78)}\nlibstdc++, libgcc: GPL-3.0 with the GCC Runtime Library Exception 3.1\n\n` +
    'Linked into koffi.node by the compiler, as the exception allows: https://www.gnu.org/licenses/gcc-exception-3.1.html',
)

// What davit-conformance makes containers of is another program, kept in it as a file, unchanged.
const [banner = ''] = execFileSync(process.argv[3] ?? '', ['--help'], { encoding: 'utf8' }).split('\n')
// Rebuilds of the same source have a suffix of their own.
const debian = /\(Debian \d+:([^)]+?)(\+b\d+)?\)/.exec(banner)?.[1]
const source =
  debian === undefined
    ? 'its makers have the source: https://busybox.net/downloads'
    : `its complete source is Debian's package busybox, version ${debian}: https://snapshot.debian.org/package/busybox/`
console.log(
  `\n${'='.repeat(78)}\n${banner.replace(/ multi-call binary\.?$/, '')}: GPL-2.0, statically linked with the C library (LGPL-2.1)\n\n` +
    `Inside davit-conformance only, as a file that it writes out and runs; ${source}\n\n` +
    readFileSync('/usr/share/common-licenses/GPL-2', 'utf8').trim(),
)
