/** Rules on the id mappings of the user namespace. user_namespaces(7). */
import type { IdMapping, Spec } from '../types.gen.ts'
import { namespaceOf } from './namespaces.ts'
import type { Report, Rule } from './rule.ts'

/** KERNEL(4.15): as many lines as uid_map takes. */
const MAX_RANGES = 340

/** Reports what the kernel refuses in a map. It must be: not empty, inside 32 bits, no overlaps on either side. */
export function checkRanges(mappings: readonly IdMapping[], place: string, report: Report): void {
  if (mappings.length > MAX_RANGES) report(place, `${mappings.length} ranges, the kernel takes ${MAX_RANGES}`)
  for (const [index, { containerID, hostID, size }] of mappings.entries()) {
    if (size === 0) report(`${place}/${index}/size`, 'a mapping must have at least one id')
    // KERNEL: the last id is (uid_t)-1 and cannot be mapped.
    if (Math.max(containerID, hostID) + size > 0xffffffff)
      report(`${place}/${index}`, 'mapping goes beyond id 4294967294')
  }
  for (const side of ['containerID', 'hostID'] as const) {
    const sorted = mappings.map((mapping, index) => ({ from: mapping[side], size: mapping.size, index }))
    sorted.sort((a, b) => a.from - b.from)
    for (const [index, next] of sorted.entries()) {
      const before = sorted[index - 1]
      if (before && before.from + before.size > next.from) {
        report(`${place}/${next.index}/${side}`, `mapping overlaps with ${place}/${before.index}`)
      }
    }
  }
}

const MAPS = [
  { key: 'uidMappings', what: 'uid' },
  { key: 'gidMappings', what: 'gid' },
] as const

const userNamespace: Rule = {
  name: 'user namespace mappings',
  clause: 'config-linux.md#user-namespace-mappings',
  severity: 'problem',
  reads: ['/linux/namespaces', '/linux/uidMappings', '/linux/gidMappings'],
  check(spec, report) {
    const namespace = namespaceOf(spec, 'user')
    for (const { key, what } of MAPS) {
      const mappings = spec.linux?.[key]
      if (mappings === undefined || mappings.length === 0) {
        if (!namespace || namespace.path) continue
        report(`/linux/${key}`, `user namespaces enabled, but no ${what} mappings found`)
        continue
      }
      if (!namespace) {
        const message = "User namespace mappings specified, but USER namespace isn't enabled in the config"
        report(`/linux/${key}`, message)
      }
      checkRanges(mappings, `/linux/${key}`, report)
    }
  },
}

const bothPathAndMappings: Rule = {
  name: 'user namespace path and mappings',
  clause: 'runc: containerd and CRI-O send both',
  severity: 'warning',
  reads: ['/linux/namespaces', '/linux/uidMappings', '/linux/gidMappings'],
  check(spec, report) {
    if (!namespaceOf(spec, 'user')?.path) return
    for (const { key } of MAPS) {
      if ((spec.linux?.[key] ?? []).length > 0) {
        report(`/linux/${key}`, 'both a user namespace to join and mappings given: the mappings of the namespace count')
      }
    }
  },
}

const mappedIds: Rule = {
  name: 'mapped ids',
  clause: 'config-linux.md#user-namespace-mappings; config.md#posix-platform-user; user_namespaces(7)',
  severity: 'problem',
  reads: ['/linux/namespaces', '/linux/uidMappings', '/linux/gidMappings', '/process/user'],
  check(spec, report) {
    const namespace = namespaceOf(spec, 'user')
    if (!namespace || namespace.path) return
    const user = spec.process?.user
    const gids = user?.additionalGids ?? []
    for (const { key, what } of MAPS) {
      const mappings = spec.linux?.[key] ?? []
      if (mappings.length === 0) continue
      // The init's own work before the user's program is done as the container's root.
      if (!isMapped(0, mappings)) report(`/linux/${key}`, `the container's ${what} 0 is not mapped`)
      const id = user?.[what] ?? 0
      if (id !== 0 && !isMapped(id, mappings))
        report(`/process/user/${what}`, `${what} ${id} is not mapped by /linux/${key}`)
    }
    checkAdditionalGids(spec, gids, report)
  },
}

function checkAdditionalGids(spec: Spec, gids: readonly number[], report: Report): void {
  const mappings = spec.linux?.gidMappings ?? []
  if (mappings.length === 0) return
  for (const [index, gid] of gids.entries()) {
    if (isMapped(gid, mappings)) continue
    report(`/process/user/additionalGids/${index}`, `gid ${gid} is not mapped by /linux/gidMappings`)
  }
}

function isMapped(id: number, mappings: readonly IdMapping[]): boolean {
  return mappings.some(({ containerID, size }) => id >= containerID && id < containerID + size)
}

export const MAPPING_RULES: readonly Rule[] = [userNamespace, bothPathAndMappings, mappedIds]
