/** Pure operations on slash-separated paths; nothing here looks at a file system. */

/** Absolute, and nothing in it that cleaning could change. Most paths are; to take one apart costs five times as much. */
function isClean(path: string): boolean {
  if (path[0] !== '/' || path.includes('//') || path.includes('/.')) return false
  return path.length === 1 || path[path.length - 1] !== '/'
}

/** Lexically cleans a path as Go's filepath.Clean: no "." or empty parts, ".." folded, never above "/". */
export function cleanPath(path: string): string {
  if (isClean(path)) return path
  const absolute = path.startsWith('/')
  const out: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') out.push(part)
    else if (out.length > 0 && out[out.length - 1] !== '..') out.pop()
    else if (!absolute) out.push('..')
  }
  const joined = out.join('/')
  return absolute ? `/${joined}` : joined === '' ? '.' : joined
}

/** Joins and cleans; an absolute later part does not discard the earlier ones. */
export function joinPath(...parts: readonly string[]): string {
  let joined = ''
  for (const part of parts) if (part !== '') joined = joined === '' ? part : `${joined}/${part}`
  return cleanPath(joined)
}

/** The path made absolute against `cwd` unless it already is. */
export function absolutePath(path: string, cwd: string): string {
  return path.startsWith('/') ? cleanPath(path) : joinPath(cwd, path)
}

/** Whether `path` is `ancestor` or lies below it, compared by components after cleaning: /a/bc is not below /a/b. */
export function isWithin(path: string, ancestor: string): boolean {
  const child = cleanPath(path)
  const parent = cleanPath(ancestor)
  return child === parent || parent === '/' || child.startsWith(`${parent}/`)
}

/** The path without its last component; "/" for a path directly below the root. */
export function parentPath(path: string): string {
  const clean = cleanPath(path)
  const cut = clean.lastIndexOf('/')
  if (cut < 0) return '.'
  return cut === 0 ? '/' : clean.slice(0, cut)
}

/** The last component. */
export function baseName(path: string): string {
  const clean = cleanPath(path)
  return clean.slice(clean.lastIndexOf('/') + 1)
}
