/** What a case of the suite is, and how it says that a runtime fails it. */
import type { CgroupDriver } from './cgroup_driver.ts'
import type { Subject } from './subject.ts'
import { type Identity, isInRange } from './versions.ts'

/** What a machine and a run may be where others are not: by the version of its controllers, and by who makes cgroups. */
export type Place = 'cgroup v1' | 'cgroup v2' | CgroupDriver

/** What a runtime is known to do against the letter of the specification. Never counted as passed. */
export type Deviation = {
  /** What they do instead, and why. */
  readonly why: string
  /** The clause they differ from, where it is not that of the case. */
  readonly clause?: string
  /** It is a race, which they lose now and then: one that was won says nothing of them. */
  readonly race?: true
  /** Where they do so, if not on every machine: where all of these are true. */
  readonly only?: readonly Place[]
} & (
  | {
      /** The versions that do so, `>=1.0 <1.5`, by their own release notes or advisories. */
      readonly versions: string
    }
  | {
      /** The version that was seen to do so. Since when, and until when, nobody has looked: it is for all. */
      readonly seen: string
      /** Another that was seen not to: it is for all on this side of that. Between the two nobody has looked. */
      readonly unseen?: string
    }
)

export interface Case {
  /** Stable: `verb-what`. */
  readonly id: string
  /** Where the specification asks for it: `runtime.md#create`. */
  readonly clause: string
  /** The clause in a sentence. */
  readonly asks: string
  /** Ids of the requirements (requirements/) that it shows to be kept. */
  readonly covers?: readonly string[]
  /** For `--group`; that of its file (cases/catalog.ts), if there is none. */
  readonly group?: string
  /** It changes or measures the whole machine: no other case runs beside it. */
  readonly serial?: boolean
  /** It takes long: only where its group, or `--lifecycles`, is asked for. */
  readonly onRequest?: boolean
  /** How long it may take, in ms, where that is longer than usual. */
  readonly patience?: (lifecycles: number) => number
  /** Who is known to differ here, by the first word of their `--version`. */
  readonly deviations?: Readonly<Record<string, Deviation>>
  readonly test: (subject: Subject) => void
}

function rangeOf(deviation: Deviation): string {
  if ('versions' in deviation) return deviation.versions
  const { seen, unseen } = deviation
  if (unseen === undefined) return ''
  return isInRange(unseen, `>${seen}`) ? `<${unseen}` : `>${unseen}`
}

/** How a runtime of this name and version is known to differ, if it is, where `places` are true. */
export function deviationOf(
  { deviations }: Pick<Case, 'deviations'>,
  { name, version }: Identity,
  places: readonly Place[],
): Deviation | undefined {
  const deviation = deviations?.[name]
  if (deviation === undefined || !(deviation.only ?? []).every((place) => places.includes(place))) return undefined
  return isInRange(version, rangeOf(deviation)) ? deviation : undefined
}

/** The runtime did not do what was asked. The message is the evidence in one line. */
export class Failed extends Error {}

/** A container was refused or deleted as it should be, and something of it is there. */
export class Left extends Failed {
  readonly left: readonly string[]
  readonly after: 'refusal' | 'delete'

  constructor(left: readonly string[], after: 'refusal' | 'delete') {
    super(`left${after === 'delete' ? ' after delete --force' : ''}: ${left.join(', ')}`)
    this.left = left
    this.after = after
  }
}

/** The machine lacks what the case is about: nothing is said about the runtime. */
export class HostCannot extends Error {}

/** Fails the case unless `fact` holds. */
export function expect(fact: boolean, otherwise: string): asserts fact {
  if (!fact) throw new Failed(otherwise)
}

/** Fails the case unless both are the same JSON. */
export function expectSame(got: unknown, wanted: unknown, what: string): void {
  const [left, right] = [JSON.stringify(got), JSON.stringify(wanted)]
  expect(left === right, `${what}: got ${left}, expected ${right}`)
}
