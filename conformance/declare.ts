/** Cases that are one container and one look: what a program sees under a configuration, or that it is refused. */
import type { Config } from './bundle.ts'
import { type Case, expect, HostCannot, Left } from './suite.ts'

/** What to change in the configuration: objects are merged, lists are appended to, null takes a field away. */
export type Patch = { readonly [name: string]: unknown }

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** In a patch, a list that takes the place of the old one. */
export class Instead {
  readonly list: readonly unknown[]

  constructor(list: readonly unknown[]) {
    this.list = list
  }
}

/** Applies a patch in place. */
export function merge(target: Record<string, unknown>, patch: Patch): void {
  for (const [name, value] of Object.entries(patch)) {
    const old = target[name]
    if (value === null) delete target[name]
    else if (value instanceof Instead) target[name] = value.list
    else if (isObject(old) && isObject(value)) merge(old, value)
    else if (Array.isArray(old) && Array.isArray(value)) target[name] = [...old, ...value]
    else target[name] = value
  }
}

/** What else a case may say; `needs` tells what the machine lacks. */
export type More = Omit<Case, 'id' | 'clause' | 'asks' | 'test'> & { readonly needs?: () => string | undefined }

function demand(more: More): void {
  const lack = more.needs?.()
  if (lack) throw new HostCannot(lack)
}

/** Id, clause, what it asks, and the ids of the requirements that the case covers. */
export type Title = readonly [id: string, clause: string, asks: string, ...covers: string[]]

const patched = (patch: Patch) => (config: Config) => merge(config as unknown as Record<string, unknown>, patch)

/** A case whose program writes what it sees to /look. */
export function sees(
  [id, clause, asks, ...covers]: Title,
  patch: Patch,
  script: string,
  wanted: RegExp | ((seen: string) => boolean),
  more: More = {},
): Case {
  return {
    ...more,
    id,
    clause,
    asks,
    covers,
    test(subject) {
      demand(more)
      const bundle = subject.bundle(`{ ${script}; } >/look/seen 2>&1`, (config) => {
        // The rootfs may be made read-only: what is seen goes to a mount of its own.
        config.mounts.push({ destination: '/look', type: 'bind', source: subject.shared(), options: ['bind'] })
        patched(patch)(config)
      })
      subject.run(bundle)
      subject.await(bundle.id, 'stopped')
      const seen = subject.seen()
      const good = typeof wanted === 'function' ? wanted(seen) : wanted.test(seen)
      expect(good, `the program saw ${JSON.stringify(seen)}, expected ${wanted}`)
    },
  }
}

/** A case whose configuration must be refused, by create or, for what concerns the process, at the latest by start. */
export function refuses(
  [id, clause, asks, ...covers]: Title,
  patch: Patch,
  more: More & { readonly late?: boolean } = {},
): Case {
  const { late = false, ...rest } = more
  return {
    ...rest,
    id,
    clause,
    asks,
    covers,
    test(subject) {
      demand(more)
      const bundle = subject.bundle('sleep 100', patched(patch))
      const created = subject.call('create', '--bundle', bundle.path, bundle.id)
      if (created.ok && late) subject.mustFail(['start', bundle.id], asks)
      else expect(!created.ok, 'create succeeded')
      if (created.ok) return
      expect(!subject.exists(bundle.id), 'the container exists')
      const left = subject.leftOf(bundle)
      if (left.length > 0) throw new Left(left, 'refusal')
    },
  }
}
