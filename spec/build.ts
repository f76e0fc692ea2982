/**
 * Generates src/spec/*.gen.ts from the JSON Schemas of this folder: `bun spec/build.ts`; with --check it writes
 * nothing and fails when a committed file is stale.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Ajv } from 'ajv'
import standalone from 'ajv/dist/standalone/index.js'
import { compile, type JSONSchema } from 'json-schema-to-typescript'
import { fastValidator } from './fast.ts'
import { isWide, loadSchema, type Schema, subschemas } from './schemas.ts'

const BANNER = '// Generated from spec/*.json by spec/build.ts. Do not edit; run: bun spec/build.ts'
const TARGET = new URL('../src/spec/', import.meta.url)

/** Options of every ajv instance that reads our schemas. */
export const AJV_OPTIONS = { strict: true, strictNumbers: true, unicodeRegExp: false, validateFormats: false } as const

/** The generated files by name. */
export async function generate(): Promise<Record<string, string>> {
  const schema = loadSchema('config.json')
  return {
    'types.gen.ts': await types(schema),
    'validate_fast.gen.ts': fast(schema),
    'validate.gen.ts': full(schema),
  }
}

async function types(schema: Schema): Promise<string> {
  const typed = structuredClone(schema) as unknown as JSONSchema
  for (const each of subschemas(typed as Schema)) {
    if (isWide(each)) Object.assign(each, { tsType: 'number | bigint' })
  }
  const source = await compile(typed, 'Spec', {
    additionalProperties: false,
    ignoreMinAndMaxItems: true,
    bannerComment: `${BANNER}\n`,
    style: { semi: false, singleQuote: true, printWidth: 120 },
  })
  return deepReadonly(source)
}

/** Makes every property and array of the formatted interfaces readonly; the generator has no option for it. */
function deepReadonly(source: string): string {
  return source
    .replace(/^( +)(\w+|\[k: string\])(\??):(?= |$)/gm, '$1readonly $2$3:')
    .replace(/: (\w+)\[\]$/gm, ': readonly $1[]')
    .replace(/: \((?=\n|.*\)\[\]$)/gm, ': readonly (')
    .replaceAll('{}', 'object')
}

function fast(schema: Schema): string {
  return [
    BANNER,
    '// @ts-nocheck: plain code for speed; test/unit/spec/agree.test.ts holds it against validate.gen.ts.',
    "import type { Spec } from './types.gen.ts'",
    fastValidator(schema),
    '/** Whether the value is a valid config.json; says nothing about why not. */',
    'export const validateFast: (value: unknown) => value is Spec = validate',
    '',
  ].join('\n')
}

/**
 * For ajv, which knows no bigint: what a double cannot hold is refused, and explain.ts takes what is in the range after
 * all.
 */
function narrowed(schema: Schema): Schema {
  const copy = structuredClone(schema)
  for (const each of subschemas(copy)) {
    if (!isWide(each)) continue
    const minimum = Math.max(each.minimum ?? 0, Number.MIN_SAFE_INTEGER)
    Object.assign(each, { minimum, maximum: Number.MAX_SAFE_INTEGER })
  }
  return copy
}

function full(schema: Schema): string {
  const ajv = new Ajv({ ...AJV_OPTIONS, allErrors: true, messages: false, code: { source: true, esm: true } })
  const code = standalone.default(ajv, ajv.compile(narrowed(schema)))
  const name = /export const validate = (\w+);/.exec(code)?.[1]
  if (name === undefined) throw new Error('ajv no longer names its validator as expected')
  // ajv concatenates the failures of every list entry to a new array: quadratic, half a minute for 100,000 entries.
  const joins = /vErrors = vErrors === null \? (\w+)\.errors : vErrors\.concat\(\1\.errors\)/g
  const body = code
    .replace('"use strict";', '')
    .replace(/export (const|default) .*?;/g, '')
    .replace(joins, 'vErrors = joinErrors(vErrors, $1.errors)')
  if (/\.concat\(/.test(body)) throw new Error('ajv no longer concatenates failures as expected')
  if (/\brequire\(|\bimport\b/.test(body)) throw new Error('the validator needs a module at run time')
  return [
    BANNER,
    '// @ts-nocheck: code made by ajv.',
    'function joinErrors(all, more) { if (all === null) return more; for (const error of more) all.push(error); return all }',
    body,
    '/** One failure, as ajv reports it; instancePath is the JSON pointer of the value. */',
    'export interface AjvError {',
    '  readonly instancePath: string',
    '  readonly schemaPath: string',
    '  readonly keyword: string',
    '  readonly params: Readonly<Record<string, unknown>>',
    '}',
    '/** Whether the value is a valid config.json; if not, its `errors` hold everything that is wrong. */',
    `export const validateAll: ((value: unknown) => boolean) & { errors?: readonly AjvError[] | null } = ${name}`,
    '/** The schema itself, to say what was expected. */',
    `export const configSchema: object = ${JSON.stringify(schema)}`,
    '',
  ].join('\n')
}

async function main(checkOnly: boolean): Promise<number> {
  let stale = 0
  for (const [name, source] of Object.entries(await generate())) {
    const path = fileURLToPath(new URL(name, TARGET))
    let old = ''
    try {
      old = readFileSync(path, 'utf8')
    } catch {
      // missing: counts as stale
    }
    if (old === source) continue
    stale++
    if (!checkOnly) {
      writeFileSync(path, source)
      continue
    }
    const from = old.split('\n')
    const line = source.split('\n').findIndex((text, index) => text !== from[index])
    console.error(`${path} is stale: differs from spec/*.json at line ${line + 1}; run: bun spec/build.ts`)
  }
  return checkOnly && stale > 0 ? 1 : 0
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await main(process.argv.includes('--check'))
