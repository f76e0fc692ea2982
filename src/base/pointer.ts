/** JSON pointers (RFC 6901): "" is the document, "/mounts/0/destination" a place in it. */

/** Escapes one reference token. */
export function escapeToken(token: string): string {
  return token.replaceAll('~', '~0').replaceAll('/', '~1')
}

/** Builds a pointer from unescaped tokens: pointer('mounts', 0) is "/mounts/0". */
export function pointer(...tokens: readonly (string | number)[]): string {
  return tokens.map((token) => `/${escapeToken(String(token))}`).join('')
}

/** Splits a pointer into unescaped tokens. */
export function parsePointer(text: string): string[] {
  if (text === '') return []
  return text
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
}
