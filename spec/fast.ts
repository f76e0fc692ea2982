/**
 * Writes the validator of the hot path: one boolean function per object type and nothing else. ajv's code for the same
 * schema is six times as long, because every check also knows how to describe its failure.
 */
import { isWide, type Schema } from './schemas.ts'

/** The pattern that only refuses NUL: a search for one character needs no regular expression. */
const NO_NUL = '^[^\\u0000]*$'

/** The pattern of one-line strings; a first regular expression costs a tenth of a millisecond, a short loop nothing. */
const LINE = '^[^\\u0000-\\u001f\\u007f]*$'

/** TypeScript source of `validate` for a schema made by loadSchema. */
export function fastValidator(root: Schema): string {
  const functions = Object.entries(root.definitions ?? {}).map(([name, schema]) => objectFunction(`is${name}`, schema))
  return [HELPERS, objectFunction('validate', root), ...functions].join('\n')
}

const HELPERS = `const isArray = Array.isArray
function object(v) { return typeof v === 'object' && v !== null && !isArray(v) }
function text(v) { return typeof v === 'string' && !v.includes('\\0') }
function line(v) { if (typeof v !== 'string') return false; for (let i = 0; i < v.length; i++) { const c = v.charCodeAt(i); if (c < 32 || c === 127) return false } return true }
function texts(v) { if (!isArray(v)) return false; for (let i = 0; i < v.length; i++) if (!text(v[i])) return false; return true }
function integer(v, min, max) { return Number.isInteger(v) && v >= min && v <= max }
function u64(v) { return Number.isSafeInteger(v) ? v >= 0 : typeof v === 'bigint' && v >= 0n && v < 1n << 64n }
function i64(v) { return Number.isSafeInteger(v) || (typeof v === 'bigint' && BigInt.asIntN(64, v) === v) }
function list(v, is) { if (!isArray(v)) return false; for (let i = 0; i < v.length; i++) if (!is(v[i])) return false; return true }
function map(v, is) { if (!object(v)) return false; for (const k in v) if (k.includes('\\0') || !is(v[k])) return false; return true }`

function objectFunction(name: string, schema: Schema): string {
  const lines = [`function ${name}(v) {`, '  if (!object(v)) return false', '  let p']
  const required = new Set(schema.required ?? [])
  for (const [key, child] of Object.entries(schema.properties ?? {})) {
    const ok = check(child, 'p')
    const failed = required.has(key) ? `!(${ok})` : `p !== undefined && !(${ok})`
    lines.push(`  p = v.${key}; if (${failed}) return false`)
  }
  return [...lines, '  return true', '}'].join('\n')
}

/** An expression that is true when the value of expression `v` fits. */
function check(schema: Schema, v: string): string {
  if (schema.$ref !== undefined) return `is${schema.$ref.slice('#/definitions/'.length)}(${v})`
  switch (schema.type) {
    case 'boolean':
      return `typeof ${v} === 'boolean'`
    case 'integer':
      if (isWide(schema)) return schema.minimum === 0 ? `u64(${v})` : `i64(${v})`
      return `integer(${v}, ${schema.minimum ?? '-Infinity'}, ${schema.maximum ?? 'Infinity'})`
    case 'string':
      return checkString(schema, v)
    case 'array':
      return checkArray(schema, v)
    case 'object':
      return checkMap(schema, v)
    default:
      throw new Error(`no code for schema ${JSON.stringify(schema)}`)
  }
}

function checkString(schema: Schema, v: string): string {
  if (schema.enum) return schema.enum.map((word) => `${v} === '${word}'`).join(' || ')
  if (schema.pattern === NO_NUL) return `text(${v})`
  if (schema.pattern === LINE) return `line(${v})`
  if (schema.pattern === undefined) return `typeof ${v} === 'string'`
  return `typeof ${v} === 'string' && ${new RegExp(schema.pattern)}.test(${v})`
}

function checkArray(schema: Schema, v: string): string {
  if (!schema.items) throw new Error('an array needs items')
  const atLeast = schema.minItems === undefined ? '' : ` && ${v}.length >= ${schema.minItems}`
  if (isText(schema.items)) return `texts(${v})${atLeast}`
  return `list(${v}, ${callback(schema.items)})${atLeast}`
}

function checkMap(schema: Schema, v: string): string {
  if (schema.properties) throw new Error('an object with properties must be a definition')
  if (!schema.additionalProperties) return `object(${v})`
  if (schema.propertyNames?.pattern !== NO_NUL) throw new Error('the keys of a map must be refused NUL')
  return `map(${v}, ${callback(schema.additionalProperties)})`
}

function callback(schema: Schema): string {
  if (schema.$ref !== undefined) return `is${schema.$ref.slice('#/definitions/'.length)}`
  return isText(schema) ? 'text' : `(i) => ${check(schema, 'i')}`
}

function isText(schema: Schema): boolean {
  return schema.type === 'string' && schema.pattern === NO_NUL && !schema.enum
}
