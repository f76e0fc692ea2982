/** Reads spec/*.json and resolves the references between the files, for the generators. */
import { readFileSync } from 'node:fs'

/** The part of JSON Schema (draft-07) that our schemas use; a keyword outside it stops the build. */
export interface Schema {
  readonly $ref?: string
  readonly title?: string
  readonly description?: string
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'boolean'
  readonly enum?: readonly string[]
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly minItems?: number
  readonly items?: Schema
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly propertyNames?: Schema
  readonly additionalProperties?: Schema
  readonly definitions?: Readonly<Record<string, Schema>>
}

const KEYWORDS = new Set(
  '$ref $schema $comment title description type enum pattern minimum maximum minItems items required properties propertyNames additionalProperties definitions'.split(
    ' ',
  ),
)

/** Whether a double cannot hold every number of the range: those that it cannot hold are bigints. */
export function isWide(schema: Schema): boolean {
  return schema.type === 'integer' && !Number.isSafeInteger(schema.maximum ?? 0)
}

function read(file: string): Schema {
  return JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8'))
}

/** Walks a schema's subschemas, the schema itself first. */
export function* subschemas(schema: Schema): Generator<Schema> {
  yield schema
  const maps = [schema.properties, schema.definitions].flatMap((map) => Object.values(map ?? {}))
  const singles = [schema.items, schema.propertyNames, schema.additionalProperties]
  for (const child of [...maps, ...singles]) if (child) yield* subschemas(child)
}

/**
 * One self-contained schema: the root of `file` with the definitions of all files under `#/definitions/`.
 * Definitions that are no object types of their own are put in place of their references, so that generated types read
 * `string` and `number` and the generated code calls no function for them.
 */
export function loadSchema(file: string): Schema {
  const root = read(file)
  const definitions: Record<string, Schema> = {}
  for (const each of [root, read('common.json'), read('linux.json')]) {
    for (const [name, schema] of Object.entries(each.definitions ?? {})) {
      if (definitions[name] !== undefined && each !== root) throw new Error(`definition ${name} exists twice`)
      definitions[name] = schema
    }
  }
  const kept: Record<string, Schema> = {}
  const place = (schema: Schema): Schema => {
    for (const key of Object.keys(schema))
      if (!KEYWORDS.has(key)) throw new Error(`${file}: unsupported keyword ${key}`)
    if (schema.$ref !== undefined) return placeReference(schema, schema.$ref)
    const out: Record<string, unknown> = { ...schema }
    delete out.definitions
    delete out.$comment
    delete out.$schema
    if (schema.properties) {
      out.properties = Object.fromEntries(Object.entries(schema.properties).map(([key, value]) => [key, place(value)]))
    }
    if (schema.items) out.items = place(schema.items)
    if (schema.additionalProperties) out.additionalProperties = place(schema.additionalProperties)
    return out as Schema
  }
  const placeReference = (schema: Schema, ref: string): Schema => {
    const name = ref.slice(ref.lastIndexOf('/') + 1)
    const target = definitions[name]
    if (target === undefined) throw new Error(`${file}: no definition for ${ref}`)
    const description = schema.description ?? target.description
    if (!isNamedType(target)) return { ...place(target), ...(description === undefined ? {} : { description }) }
    if (kept[name] === undefined) {
      kept[name] = {}
      kept[name] = { title: name, ...place(target) }
    }
    return { $ref: `#/definitions/${name}` }
  }
  const placed = place(root)
  return { ...placed, definitions: kept }
}

function isNamedType(schema: Schema): boolean {
  return schema.type === 'object' && schema.properties !== undefined
}
