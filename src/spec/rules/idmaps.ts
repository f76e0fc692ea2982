/** Rules on idmapped mounts, mount_setattr(2). */
import { parseIdmapOption } from '../../kernel/idmap_option.ts'
import { parseMountOptions } from '../../kernel/mount_options.ts'
import type { Mount, Spec } from '../types.gen.ts'
import { checkRanges } from './mappings.ts'
import { namespaceOf } from './namespaces.ts'
import { each, type Report, type Rule } from './rule.ts'

const idmappedMounts: Rule = {
  name: 'idmapped mounts',
  clause: 'config.md#posix-platform-mounts, #linux-mount-options',
  severity: 'problem',
  reads: ['/mounts', '/linux/namespaces'],
  check(spec, report) {
    each(spec.mounts, (mount, index) => {
      const place = `/mounts/${index}`
      if (mount.uidMappings !== undefined || mount.gidMappings !== undefined) checkFields(mount, place, report)
      else if (mount.options?.some((option) => option.includes('idmap'))) checkOption(spec, mount, place, report)
    })
  },
}

/** SPEC: the mappings of the mount count, whatever the option says. */
function checkFields(mount: Mount, place: string, report: Report): void {
  for (const key of ['uidMappings', 'gidMappings'] as const) {
    const mappings = mount[key] ?? []
    if (mappings.length === 0) report(`${place}/${key}`, 'uidMappings and gidMappings must be specified together')
    checkRanges(mappings, `${place}/${key}`, report)
  }
}

function checkOption(spec: Spec, mount: Mount, place: string, report: Report): void {
  const { idmap } = parseMountOptions(mount.options ?? [])
  if (idmap === undefined) return
  const at = `${place}/options`
  if (idmap.maps === '') {
    // A list of mounts alone says nothing of the container that they are for.
    if (spec.linux && !namespaceOf(spec, 'user'))
      report(at, 'an idmapped mount without uidMappings and gidMappings needs a user namespace')
    return
  }
  const maps = parseIdmapOption(idmap.maps)
  if (typeof maps === 'string') return report(at, maps)
  for (const ranges of [maps.uids, maps.gids]) {
    // The kernel's ids of a relative range are known with the container's own mappings only.
    checkRanges(ranges.some(({ relative }) => relative) ? [] : ranges, at, (_, message) => report(at, message))
  }
}

export const IDMAP_RULES: readonly Rule[] = [idmappedMounts]
