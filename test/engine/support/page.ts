/** Snippets of the pages in docs/engines: what they tell the reader to write and type is what the tests use. */
import { readFileSync } from 'node:fs'
import { RUNTIME, repositoryPath } from '../../support/place.ts'

/** Where the pages have davit; the tests put the runtime under test in its place. */
const INSTALLED = '/usr/local/bin/davit'

/** The blocks of docs/engines/NAME.md, in order. */
function blocks(name: string): { language: string; text: string }[] {
  const page = readFileSync(repositoryPath(`docs/engines/${name}.md`), 'utf8')
  return [...page.matchAll(/^( *)```(\S*)\n([\s\S]*?)^ *```$/gm)].map(([, indent = '', language = '', text = '']) => ({
    language,
    text: text.replaceAll(new RegExp(`^${indent}`, 'gm'), '').replaceAll(INSTALLED, RUNTIME),
  }))
}

/** The languages of a page's blocks, for a test to see that it knows all of them. */
export const languages = (name: string): string[] => blocks(name).map(({ language }) => language)

/** A page's blocks of a language, with the path of the runtime under test. */
export const snippets = (name: string, language: string): string[] =>
  blocks(name)
    .filter((block) => block.language === language)
    .map(({ text }) => text)
