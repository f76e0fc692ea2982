/** What the specification has of the features document. */
import type { Schema } from '../../spec/schemas.ts'

/** Pointers of the members that the schema does not name: the specification forbids them. */
export function unknownMembers(schema: Schema, value: unknown, root: Schema, at = ''): string[] {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split('/').at(-1) ?? ''
    return unknownMembers(root.definitions?.[name] as Schema, value, root, at)
  }
  if (schema.properties === undefined || typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, member]) => {
    const known = schema.properties?.[key]
    return known === undefined ? [`${at}/${key}`] : unknownMembers(known, member, root, `${at}/${key}`)
  })
}
