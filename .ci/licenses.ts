/**
 * The licences of what the product contains, from the metafile of its build: packages bundled into the executable, Bun,
 * which it is compiled with, and koffi's native part, which lies beside it with the GNU C++ library linked in. Prints one
 * text.
 */
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
