/** What `davit validate` prints. Pure. */
import type { Validation } from '../lifecycle/validate/bundle.ts'
import type { PlacedFinding } from '../spec/review/finding.ts'
import { escapeControls } from './log_line.ts'

/**
 * As compilers write it, so that editors find the place; errors first, each with what the specification says, then how
 * to mend it:
 *
 *     /b/config.json:12:15: error: /process/cwd: cwd must be an absolute path [config.md#process, MUST]
 *         write it from the root on, beginning with "/"
 */
export function validationText({ config, errors, warnings }: Validation): string {
  const lines = [...errors, ...warnings].flatMap((finding) => findingLines(config, finding))
  const total = `${count(errors.length, 'error')}, ${count(warnings.length, 'warning')}`
  return `${[...lines, total].map(escapeControls).join('\n')}\n`
}

/** Errors and warnings as lists of objects, each with the members that are known. */
export function validationJson({ bundle, config, errors, warnings }: Validation): string {
  const valid = errors.length === 0
  const document = { bundle, config, valid, errors: errors.map(ordered), warnings: warnings.map(ordered) }
  // JSON lets these stand as they are; a terminal would take them for orders.
  const escaped = JSON.stringify(document, null, 2).replace(/[\u007f-\u009f\u2028\u2029]/g, (char) => {
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
  return `${escaped}\n`
}

function ordered({ rule, pointer, message, line, column, clause, requirement, hint }: PlacedFinding): object {
  return { rule, pointer, message, line, column, clause, requirement, hint }
}

function findingLines(config: string, finding: PlacedFinding): string[] {
  const { severity, pointer, message, clause, requirement, hint, line, column } = finding
  const place = line === undefined ? config : `${config}:${line}:${column}`
  const what = pointer === '' ? message : `${pointer}: ${message}`
  const source = [clause, requirement].filter((word) => word !== undefined).join(', ')
  const first = `${place}: ${severity}: ${what}${source === '' ? '' : ` [${source}]`}`
  return hint === undefined ? [first] : [first, `    ${hint}`]
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`
}
