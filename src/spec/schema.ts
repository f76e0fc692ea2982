/** The schema of config.json as data: what is expected at a place. Off the hot path, like all that explains. */
import type { SchemaNode } from './describe.ts'
import { configSchema as generated } from './validate.gen.ts'

/** The schema of the whole document. */
export const configSchema = generated as SchemaNode

/** The schema of a member or an item, references resolved; undefined for one that the schema does not name. */
export function childSchema(schema: SchemaNode, token: string): SchemaNode | undefined {
  const named = schema.properties && Object.hasOwn(schema.properties, token) ? schema.properties[token] : undefined
  const next = named ?? schema.items ?? schema.additionalProperties
  // "#/definitions/NAME" is the only form that references have.
  return next?.$ref === undefined ? next : configSchema.definitions?.[next.$ref.slice('#/definitions/'.length)]
}

/** The schema of the value at a place; undefined where the schema says nothing. */
export function schemaAt(tokens: readonly string[]): SchemaNode | undefined {
  let schema: SchemaNode | undefined = configSchema
  for (const token of tokens) schema = schema && childSchema(schema, token)
  return schema
}
