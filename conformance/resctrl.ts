/** Containers in classes of resctrl, and what cases look at there. */
import { existsSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs'
import type { Bundle } from './bundle.ts'
import { within } from './host.ts'
import { pidOf } from './look.ts'
import type { Subject } from './subject.ts'
import { type Case, expect, HostCannot } from './suite.ts'

const CLAUSE = 'config-linux.md#intelrdt'
/** Milliseconds in which the kernel looks several times for groups that are free again. */
const PATIENCE = 20_000

/** Where resctrl is, and the schema of its default class for the cache: what any class may have. */
export function needResctrl(): { readonly path: string; readonly schema: string } {
  const path = /^\S+ (\S+) resctrl /m.exec(readFileSync('/proc/mounts', 'utf8'))?.[1]
  if (path === undefined) throw new HostCannot('no resctrl')
  const schema = /^ *(L3:.*)$/m.exec(readFileSync(`${path}/schemata`, 'utf8'))?.[1]
  if (schema === undefined) throw new HostCannot('resctrl has no L3')
  return { path, schema }
}

/** A schema with one bit of each mask less. */
export const narrower = (schema: string) =>
  schema.replace(/=([0-9a-f]+)/g, (_, mask: string) => `=${(BigInt(`0x${mask}`) >> 1n).toString(16)}`)
/** As resctrl shows it: numbers may have leading zeros. */
export const plain = (text: string) => text.replace(/=0*(?=[0-9a-f])/g, '=').trim()

/** The numbers of a file, one a line. */
export const numbers = (path: string) => readFileSync(path, 'utf8').trim().split('\n').map(Number)

/** A container of this class that sleeps; its pid. */
export function run(subject: Subject, bundle: Bundle, intelRdt: Record<string, unknown>): number {
  bundle.configure((config) => {
    config.ociVersion = '1.3.0'
    Object.assign(config.linux, { intelRdt })
  })
  subject.run(bundle)
  return pidOf(subject, bundle.id)
}

/** A container of this class must be refused. */
export function refuse(subject: Subject, bundle: Bundle, intelRdt: Record<string, unknown>, why: string): void {
  bundle.configure((config) => {
    config.ociVersion = '1.3.0'
    Object.assign(config.linux, { intelRdt })
  })
  subject.mustFail(['create', '--bundle', bundle.path, bundle.id], why)
  expect(!subject.exists(bundle.id), 'the container exists')
}

/** Makes a class before, and takes away what there is in the end. */
export function withClass(path: string, made: boolean, act: () => void): void {
  if (made) mkdirSync(path)
  try {
    act()
  } finally {
    if (existsSync(path)) rmdirSync(path)
  }
}

/** Makes one group; false where there can be no more. Those that were removed are not free at once: EBUSY. */
function makeMonitor(path: string): boolean {
  let made = false
  const done = within(() => {
    try {
      mkdirSync(path)
      made = true
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ENOSPC'
    }
    return true
  }, PATIENCE)
  if (!done)
    throw new HostCannot('resctrl says neither that there is a free group for monitoring nor that there is none')
  return made
}

/** Makes all monitoring groups that the hardware has, and takes them away in the end; those of before stay. */
export function withoutMonitors(folder: string, act: () => void): void {
  const made: string[] = []
  try {
    for (let n = 0; makeMonitor(`${folder}/conf-${n}`); n++) made.push(`${folder}/conf-${n}`)
    act()
  } finally {
    for (const one of made) rmdirSync(one)
  }
}

type Look = (subject: Subject, bundle: Bundle, rdt: ReturnType<typeof needResctrl>) => void

/** A case about resctrl: one at a time, as its classes are few. */
export const rdt = (
  [id, asks, ...covers]: readonly [string, string, ...string[]],
  look: Look,
  deviations: NonNullable<Case['deviations']> = {},
): Case => ({
  id: `intel-rdt-${id}`,
  clause: CLAUSE,
  asks,
  covers: [...covers, 'linux-rdt-10'],
  serial: true,
  deviations,
  test(subject) {
    const where = needResctrl()
    look(subject, subject.bundle('sleep 100'), where)
  },
})
