/** Names of containers, and what is said of them. */
import { RuntimeError } from '../base/errors.ts'

/** runc's rule and words. Checked before any path is built. */
export function checkId(id: string): void {
  if (id === '') throw new RuntimeError('id-invalid', 'container id cannot be empty')
  if (id === '.' || id === '..' || id.length > 1024 || !isWord(id)) {
    throw new RuntimeError('id-invalid', `invalid container id format: ${JSON.stringify(id.slice(0, 80))}`)
  }
}

/** Letters, digits and "_+-." only. A loop: the first regular expression of a process costs it a tenth of a millisecond. */
function isWord(id: string): boolean {
  for (const char of id) {
    const letter = (char >= 'a' && char <= 'z') || (char >= 'A' && char <= 'Z')
    if (!letter && !(char >= '0' && char <= '9') && !'_+-.'.includes(char)) return false
  }
  return true
}

/** The directory of a container; its id is checked. */
export function containerPath(root: string, id: string): string {
  checkId(id)
  return `${root}/${id}`
}

/** runc's words, which containerd matches. */
export function notFound(id: string): RuntimeError {
  return new RuntimeError('not-found', `container does not exist: ${id}`)
}

/** runc's words. */
export function inUse(id: string): RuntimeError {
  return new RuntimeError('id-in-use', `container with given ID already exists: ${id}`)
}
