/**
 * Options about access times. For mount(2) they are flags of their own, and the kernel has its order of them; for
 * mount_setattr(2) they are the values of one field. Read in the first way, told in the second: so it is with runc and
 * crun, whose configurations are written for mount(2).
 */
import { ATTR } from './mount.ts'

/** The kernel's order: of those that are asked for together the first one counts. */
const VALUES = { strictatime: ATTR.strictatime, noatime: ATTR.noatime, relatime: ATTR.relatime } as const
type AccessTime = keyof typeof VALUES

/** What each option asks for or takes back. */
const WORDS = {
  strictatime: { of: 'strictatime', on: true },
  nostrictatime: { of: 'strictatime', on: false },
  noatime: { of: 'noatime', on: true },
  atime: { of: 'noatime', on: false },
  relatime: { of: 'relatime', on: true },
  norelatime: { of: 'relatime', on: false },
} as const satisfies Record<string, { of: AccessTime; on: boolean }>

export type AccessTimeOption = keyof typeof WORDS

/** Names of the options. */
export const ACCESS_TIME_OPTIONS = Object.keys(WORDS) as readonly AccessTimeOption[]

/** The value of the field that these options, in their order, ask for; undefined if there are none. */
export function accessTime(options: readonly AccessTimeOption[]): number | undefined {
  const asked = new Set<AccessTime>()
  for (const option of options) {
    const { of, on } = WORDS[option]
    if (on) asked.add(of)
    else asked.delete(of)
  }
  const found = (Object.keys(VALUES) as AccessTime[]).find((value) => asked.has(value))
  if (found !== undefined) return VALUES[found]
  // mount(8): without noatime or strictatime it is the kernel's default, which is relatime; who does not want that
  // either has every access written down.
  const last = options.at(-1)
  if (last === undefined) return undefined
  return last === 'norelatime' ? ATTR.strictatime : ATTR.relatime
}
