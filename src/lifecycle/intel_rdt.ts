/** The RDT class of service of a container in the making: loaded only where the configuration has one. */
import { makeRdt, unmakeRdt } from '../host/resctrl_group.ts'
import type { RdtPlan, RdtRecord } from '../plan/rdt_model.ts'

export interface IntelRdt {
  /** `save` keeps the record on disk. */
  make(rdt: RdtPlan, save: (record: RdtRecord) => void): void
  undo(): void
}

export function intelRdt(): IntelRdt {
  const made = new Set<string>()
  let plan: RdtPlan | undefined
  return {
    make(rdt, save) {
      plan = rdt
      const { root, group, monitor } = rdt
      const record = (): RdtRecord => {
        // SPEC: a class with a name of its own stays, whoever has made it.
        const remove = [...made].filter((path) => rdt.own || path !== group).toReversed()
        return { root, group, ...(monitor === undefined ? {} : { monitor }), remove }
      }
      save(record())
      makeRdt(rdt, {
        add(path) {
          made.add(path)
          save(record())
        },
        delete: (path) => made.delete(path),
      })
    },
    undo() {
      if (plan) unmakeRdt(plan, [...made])
    },
  }
}
