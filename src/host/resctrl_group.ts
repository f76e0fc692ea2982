/** Groups of resctrl: made, set and, if the container does not come to be, removed. Loaded where one is asked for. */
import { RuntimeError, SysError } from '../base/errors.ts'
import { makeDir, readText, readTextIf, removeDir, statIf, withFixedModes, writeText } from '../ffi/file.ts'
import { schemataSay } from '../plan/intel_rdt.ts'
import type { RdtPlan } from '../plan/rdt_model.ts'

/** The two calls that resctrl gives a meaning of its own: its files come and go with their directory. */
export interface Groups {
  readonly make: (path: string) => boolean
  readonly remove: (path: string) => void
}

const KERNEL: Groups = { make: (path) => withFixedModes(() => makeDir(path, 0o755)), remove: (path) => removeDir(path) }

/** What was made. It is told of a directory before that is there, so that it is on record whoever is killed when. */
export interface Made {
  add(path: string): unknown
  delete(path: string): unknown
}

/** Makes what is missing and writes the schemata. */
export function makeRdt(rdt: RdtPlan, made: Made, groups = KERNEL): void {
  const there = statIf(rdt.group) !== undefined
  if (!there) {
    if (rdt.mustExist) throw new RuntimeError('create', 'it does not exist, and no schema says how to make it')
    make(rdt, rdt.group, made, groups)
  } else checkSchemata(rdt)
  for (const line of rdt.schemata) writeSchema(rdt, line)
  if (rdt.monitor === undefined) return
  if (statIf(rdt.monitor)) throw new RuntimeError('create', `there is a monitoring group "${rdt.monitor}" already`)
  make(rdt, rdt.monitor, made, groups)
}

function make({ root }: RdtPlan, path: string, made: Made, groups: Groups): void {
  made.add(path)
  explained(root, () => {
    if (groups.make(path)) return
    made.delete(path)
    throw new RuntimeError('create', `"${path}" was made by somebody else meanwhile`)
  })
}

/** SPEC: a class that is there already must say what is asked for. */
function checkSchemata({ group, compare }: RdtPlan): void {
  if (compare.length === 0) return
  const text = readText(`${group}/schemata`)
  const other = compare.find((line) => !schemataSay(text, line))
  if (other !== undefined) throw new RuntimeError('create', `it exists with schemata other than "${other}"`)
}

/** Writes a line to the schemata file of a group. KERNEL: not without the end of the line. */
export function writeSchema({ root, group }: Pick<RdtPlan, 'root' | 'group'>, line: string): void {
  explained(root, () => writeText(`${group}/schemata`, `${line}\n`))
}

/** KERNEL: why the last command was refused stands in a file. */
function explained(root: string, act: () => void): void {
  try {
    act()
  } catch (error) {
    if (!(error instanceof SysError)) throw error
    const said = readTextIf(`${root}/info/last_cmd_status`)?.trim() ?? ''
    if (said === '' || said === 'ok') throw error
    throw new RuntimeError('create', `${error.message} (${said})`)
  }
}

/** Takes back what was made, the last first. SAFETY: not a class that others have entered meanwhile. */
export function unmakeRdt(rdt: RdtPlan, made: readonly string[], groups = KERNEL): void {
  for (const path of made.toReversed()) {
    if (path === rdt.group && !rdt.own && readTextIf(`${path}/tasks`)?.trim()) continue
    if (statIf(path)) groups.remove(path)
  }
}
