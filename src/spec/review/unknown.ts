/** Members that no schema names: config.md#extensibility lets them be there, but most are misspelt. */
import { escapeToken } from '../../base/pointer.ts'
import type { SchemaNode } from '../describe.ts'
import { childSchema, configSchema } from '../schema.ts'
import type { Finding } from './finding.ts'

/** Members that the specification has had, with what became of them. */
const FORMER: Readonly<Record<string, string>> = {
  '/linux/intelRdt/enableCMT': 'use "enableMonitoring", which replaces it since 1.3',
  '/linux/intelRdt/enableMBM': 'use "enableMonitoring", which replaces it since 1.3',
  '/linux/resources/disableOOMKiller': 'move it to "memory"',
  '/linux/resources/oomScoreAdj': 'move it to /process/oomScoreAdj',
  '/process/selinuxProcessLabel': 'call it "selinuxLabel"',
}

/** A warning for each of them. */
export function unknownMembers(value: unknown): Finding[] {
  const found: Finding[] = []
  visit(value, configSchema, '', found)
  return found
}

function visit(value: unknown, schema: SchemaNode, pointer: string, found: Finding[]): void {
  if (typeof value !== 'object' || value === null) return
  const names = schema.properties
  for (const [key, member] of Object.entries(value)) {
    const place = `${pointer}/${escapeToken(key)}`
    const known = childSchema(schema, key)
    if (known) visit(member, known, place, found)
    else if (names && !Array.isArray(value)) found.push(unknown(key, place, Object.keys(names)))
  }
}

function unknown(key: string, pointer: string, names: readonly string[]): Finding {
  const near = names.find((name) => name.toLowerCase() === key.toLowerCase()) ?? names.find((name) => isNear(name, key))
  const meant = near === undefined ? 'remove it, or see that it stands in the right object' : `did you mean "${near}"?`
  return {
    severity: 'warning',
    pointer,
    message: 'unknown, and ignored',
    rule: 'unknown member',
    clause: 'config.md#extensibility',
    hint: FORMER[pointer] ?? meant,
  }
}

/** Whether one letter more, less, other or exchanged makes the one of the other. */
function isNear(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1 || Math.min(a.length, b.length) < 3) return false
  let start = 0
  while (start < a.length && a[start] === b[start]) start++
  const [restA, restB] = [a.slice(start), b.slice(start)]
  const exchanged = restA[0] === restB[1] && restA[1] === restB[0] && restA.slice(2) === restB.slice(2)
  return exchanged || [restA, restA.slice(1)].some((x) => [restB, restB.slice(1)].some((y) => x === y))
}
