/** What a schema expects and what was found instead, in human words. */

/** The part of JSON Schema that our schemas use. */
export interface SchemaNode {
  readonly $ref?: string
  readonly description?: string
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly items?: SchemaNode
  readonly additionalProperties?: SchemaNode
  readonly type?: string
  readonly enum?: readonly string[]
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly minItems?: number
  readonly required?: readonly string[]
  readonly definitions?: Readonly<Record<string, SchemaNode>>
}

/** Every pattern of the schemas, in words; a test holds the table against them. */
export const PATTERN_WORDS: Readonly<Record<string, string>> = {
  '^[^\\u0000]*$': 'a string without NUL',
  '^[^\\u0000-\\u001f\\u007f]*$': 'a string without control characters',
  '^[^\\u0000\\n]*$': 'a string without NUL or newline',
  '^[0-9, -]*$': 'a list such as "0-3,7"',
  '^[1-9][0-9]*[KMG]B$': 'a page size such as "2MB"',
  '^MB:[^\\u0000\\n]*$': 'a line that starts with "MB:"',
}

/** What would have been right in the place of `value`: "an integer from 0 to 65535", "one of …". */
export function describeSchema(schema: SchemaNode, value: unknown): string {
  const { type, enum: words, pattern, minimum, maximum, minItems } = schema
  if (words) return `one of ${words.map((word) => `"${word}"`).join(', ')}`
  if (type === 'integer') return `an integer from ${bound(minimum)} to ${bound(maximum)}`
  if (type === 'string') return typeof value === 'string' ? (PATTERN_WORDS[pattern ?? ''] ?? 'a string') : 'a string'
  if (type === 'array') return minItems === undefined ? 'an array' : 'an array with at least one entry'
  return type === 'boolean' ? 'true or false' : 'an object'
}

/** 64-bit bounds are not exact as doubles: write them as powers. */
function bound(value = 0): string {
  if (value === 2 ** 64) return '2^64-1'
  if (Math.abs(value) === 2 ** 63) return value < 0 ? '-2^63' : '2^63-1'
  return String(value)
}

const LONGEST = 60

/** The value found, shortened. Of an environment entry only the name: its value may be a secret. */
export function describeValue(pointer: string, value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : 'an array'
  if (typeof value === 'object' && value !== null) return 'an object'
  if (typeof value === 'bigint') return shortened(String(value))
  // A double: JSON has it with an exponent or a fraction, or longer than anything.
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) return `${value}, which is not written as an integer`
  if (typeof value !== 'string') return String(value)
  const secret = /^\/(process|hooks\/\w+\/\d+)\/env\//.test(pointer) && value.includes('=')
  const shown = secret ? `${value.slice(0, value.indexOf('='))}=…` : value
  return JSON.stringify(shortened(shown))
}

function shortened(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text
}
