/** What `features` says, and cases about it. */
import { merge, type Patch } from './declare.ts'
import type { Subject } from './subject.ts'
import type { Case } from './suite.ts'

export interface Features {
  readonly ociVersionMin?: string
  readonly ociVersionMax?: string
  readonly hooks?: readonly string[] | null
  readonly mountOptions?: readonly string[] | null
  readonly annotations?: Readonly<Record<string, unknown>> | null
  readonly linux?: {
    readonly namespaces?: readonly string[] | null
    readonly capabilities?: readonly string[] | null
    readonly seccomp?: Readonly<
      Record<'actions' | 'operators' | 'archs' | 'knownFlags' | 'supportedFlags', readonly string[] | null | undefined>
    > | null
    readonly memoryPolicy?: { readonly modes?: readonly string[] | null; readonly flags?: readonly string[] | null }
    readonly mountExtensions?: { readonly idmap?: { readonly enabled?: boolean | null } | null } | null
  }
}

/** What the runtime says of itself. */
export const ask = (subject: Subject) => JSON.parse(subject.must('features').stdout) as Features
const numbers = (version: string) => version.split('-')[0]?.split('.').map(Number) ?? []

/** Whether a version comes before another. */
export function isBelow(left: string, right: string): boolean {
  const [a, b] = [numbers(left), numbers(right)]
  const at = a.findIndex((number, i) => number !== b[i])
  return at >= 0 && (a[at] ?? 0) < (b[at] ?? 0)
}

/** A container with this in its configuration can be created. */
export function takes(subject: Subject, patch: Patch): void {
  const bundle = subject.bundle('sleep 100', (config) => merge(config as unknown as Record<string, unknown>, patch))
  subject.create(bundle)
  subject.must('delete', '--force', bundle.id)
}

/** A case about one part of the structure. Having the command at all is left to the runtime. */
export function tells(
  [id, clause, asks, ...covers]: readonly [string, string, string, ...string[]],
  look: (features: Features, subject: Subject) => void,
  deviations: NonNullable<Case['deviations']> = {},
): Case {
  const crun = { versions: '<1.8.6', why: 'has no features, which a runtime may do without' }
  return {
    id: `features-${id}`,
    clause,
    asks,
    covers,
    deviations: { crun, ...deviations },
    test: (subject) => look(ask(subject), subject),
  }
}
