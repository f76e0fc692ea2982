/**
 * What `list` and `state` print: runc's columns and JSON, which scripts and engines read. Pure.
 */
import type { ContainerState } from '../lifecycle/state.ts'
import { escapeControls } from './log_line.ts'

/** A container as `state` and `list` show it, in the order that `ordered` gives its keys: runc's. */
export type StateView = Omit<ContainerState, 'owner'> & {
  /** User name of the owner; "#uid" in a list when the user has none. `state` leaves it empty, as runc does. */
  readonly owner: string
}

/** The output of `state`: indented by two spaces, no newline at its end, as runc's. */
export function stateJson(view: StateView): string {
  return goJson(ordered(view), 2)
}

export type ListFormat = 'table' | 'json' | 'quiet'

/** The output of `list`. */
export function listText(views: readonly StateView[], format: ListFormat): string {
  if (format === 'quiet') return views.map(({ id }) => `${id}\n`).join('')
  // runc prints a nil slice of Go, and go-runc reads that
  if (format === 'json') return `${views.length === 0 ? 'null' : goJson(views.map(ordered))}\n`
  const rows = views.map(({ id, pid, status, bundle, created, owner }) => [
    id,
    String(pid),
    status,
    escapeControls(bundle),
    created,
    owner,
  ])
  return table([['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER'], ...rows])
}

/** The name of a user in the text of an /etc/passwd, else "#uid". */
export function ownerName(passwd: string, uid: number): string {
  for (const line of passwd.split('\n')) {
    const [name, , id] = line.split(':')
    if (name && id === String(uid)) return name
  }
  return `#${uid}`
}

const MIN_WIDTH = 12
const PADDING = 3

/**
 * Go's tabwriter as runc sets it up: a column is as wide as its widest cell and 3 blanks, and at least 12; the last is
 * not padded.
 */
function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? MIN_WIDTH, characters(cell) + PADDING)
    }
  }
  const line = (row: readonly string[]) =>
    row.map((cell, column) => (column === row.length - 1 ? cell : cell + ' '.repeat(pad(cell, widths[column]))))
  return rows.map((row) => `${line(row).join('')}\n`).join('')
}

function pad(cell: string, width = 0): number {
  return width - characters(cell)
}

function characters(text: string): number {
  return [...text].length
}

function ordered(view: StateView): object {
  const { ociVersion, id, pid, status, bundle, rootfs, created, annotations, owner } = view
  const hasAnnotations = annotations !== undefined && Object.keys(annotations).length > 0
  return { ociVersion, id, pid, status, bundle, rootfs, created, ...(hasAnnotations ? { annotations } : {}), owner }
}

/** JSON as Go's encoder escapes it: <, > and & too, so that the text is safe inside HTML. */
function goJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(
    /[<>&\u2028\u2029\u007f-\u009f]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
