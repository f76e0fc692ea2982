/** The project's files, for tests that look at the source itself. */
import { readdirSync, readFileSync } from 'node:fs'

const ROOT = new URL('../../', import.meta.url)

/** Text of a file of the repository. */
export function readProject(path: string): string {
  return readFileSync(new URL(path, ROOT), 'utf8')
}

/** Files below a folder of the repository whose names end so, as paths from its top, sorted. */
export function listProject(folder: string, ending: string): string[] {
  const names = readdirSync(new URL(`${folder}/`, ROOT), { recursive: true, encoding: 'utf8' })
  return names
    .filter((name) => name.endsWith(ending))
    .map((name) => `${folder}/${name}`)
    .sort()
}

/** The code without its comments; line numbers stay. Good enough for code in the project's style. */
export function withoutComments(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ' '))
    .replace(/(^|[\s;,{}()])\/\/.*$/gm, '$1')
}

/** What a module imports, type-only and re-exported modules included, as written. */
export function importsOf(text: string): string[] {
  const code = withoutComments(text)
  const found = code.matchAll(
    /^(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]|\bimport\s*\(?\s*['"]([^'"]+)['"]/gm,
  )
  return [...found].map((match) => (match[1] ?? match[2]) as string)
}
