/**
 * Writes the manual into a folder: davit.8 and davit-VERB.8 for every verb that people use. Run by make; not part of
 * the product. Arguments: folder, version, date.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { mainPage, verbPage } from './page.ts'
import { VERB_PAGES } from './verb_pages.ts'

const [folder, version, date] = process.argv.slice(2)
if (!folder || !version || !date) throw new Error('usage: build.ts FOLDER VERSION DATE')
mkdirSync(folder, { recursive: true })
writeFileSync(`${folder}/davit.8`, mainPage({ version, date }))
for (const verb of Object.keys(VERB_PAGES) as (keyof typeof VERB_PAGES)[]) {
  writeFileSync(`${folder}/davit-${verb}.8`, verbPage(verb, { version, date }))
}
