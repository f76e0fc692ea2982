/** Problems of a config.json, or of a part of it, as one line. */
import type { Problem } from '../base/errors.ts'

/** More than these are only counted in the one-line message; the list of problems has all. */
const SHOWN = 20

/** `invalid config.json: /process/cwd: …; /mounts/0: …`. */
export function problemMessage(problems: readonly Problem[], name = 'config.json'): string {
  const shown = problems.slice(0, SHOWN).map(problemLine)
  const more = problems.length > SHOWN ? [`and ${problems.length - SHOWN} more`] : []
  return `invalid ${name}: ${[...shown, ...more].join('; ')}`
}

/** `/process/cwd: …`; the whole document has an empty pointer and no colon. Control characters are escaped. */
export function problemLine(problem: Problem): string {
  const line = problem.pointer === '' ? problem.message : `${problem.pointer}: ${problem.message}`
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a key of config.json must not break the line.
  return line.replace(/[\u0000-\u001f\u007f]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
