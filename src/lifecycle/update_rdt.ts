/** The part of `update` that is Intel RDT's: new schemata for the container's class of service. */
import { messageOf, RuntimeError } from '../base/errors.ts'
import { readText } from '../ffi/file.ts'
import { writeSchema } from '../host/resctrl_group.ts'
import type { RdtRecord } from '../plan/rdt_model.ts'

export interface RdtUpdate {
  /** Writes all lines, or none. */
  apply(record: RdtRecord | undefined): void
  /** Writes back what was there before; returns what went wrong. */
  restore(): string | undefined
}

export function rdtUpdate(lines: readonly string[]): RdtUpdate {
  let before: { readonly record: RdtRecord; readonly lines: readonly string[] } | undefined
  const restore = () => {
    try {
      for (const line of before?.lines ?? []) if (before) writeSchema(before.record, line)
      return undefined
    } catch (error) {
      return messageOf(error)
    }
  }
  return {
    apply(record) {
      // A class made now would be nobody's to remove.
      if (!record)
        throw new RuntimeError('unsupported', 'cannot update: the container was created without linux.intelRdt')
      const names = lines.map((line) => line.slice(0, line.indexOf(':') + 1))
      const now = readText(`${record.group}/schemata`).split('\n')
      before = {
        record,
        lines: now.map((line) => line.trim()).filter((line) => names.some((name) => line.startsWith(name))),
      }
      try {
        for (const line of lines) writeSchema(record, line)
      } catch (error) {
        const trouble = restore()
        const more = trouble === undefined ? '' : `; put the former schemata back: ${trouble}`
        throw new RuntimeError('cgroup', `set the schemata of "${record.group}": ${messageOf(error)}${more}`)
      }
    },
    restore,
  }
}
