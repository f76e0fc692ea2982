/** Idmapped mounts: which ids, and the steps by which the parent, who may, maps a mount before it is anywhere. */
import type { Problem } from '../base/errors.ts'
import { type IdRange, parseIdmapOption } from '../kernel/idmap_option.ts'
import { type MountOptions, parseMountOptions } from '../kernel/mount_options.ts'
import type { IdMapping, Mount, Spec } from '../spec/types.gen.ts'
import { namespace } from './context.ts'
import type { MountContext, PlannedMount } from './mount_model.ts'
import type { ChildStep, MountMap, Slot } from './step.ts'
import { idMapText } from './user_namespace.ts'

/** Whether the mount is to be idmapped. SPEC: mappings without the option count too, as in runc. */
export function isIdmapped(mount: Mount, options: Pick<MountOptions, 'idmap'>): boolean {
  return options.idmap !== undefined || (mount.uidMappings?.length ?? 0) > 0
}

/**
 * An "@" range of crun's: hostID is an id of the container, which the mapping of its user namespace that holds
 * containerID translates. undefined: there is none, or it does not hold all of both.
 */
function absolute(range: IdRange, container: readonly IdMapping[]): IdMapping | undefined {
  const { containerID, hostID, size, relative } = range
  if (!relative) return { containerID, hostID, size }
  const holds = (map: IdMapping, id: number, count: number) =>
    id >= map.containerID && id + count <= map.containerID + map.size
  const within = container.find((map) => holds(map, containerID, 1))
  // Ids past the ends of what the container has are anybody's.
  if (within && !(holds(within, containerID, size) && holds(within, hostID, size))) return undefined
  return within && { containerID, hostID: hostID + within.hostID - within.containerID, size }
}

/** The maps of the option's value; undefined if a relative range has nothing to be relative to. */
function optionMap(text: string, spec: Spec): MountMap | undefined {
  const maps = parseIdmapOption(text)
  if (typeof maps === 'string') throw new Error(`bug: ${maps}`)
  const uids = maps.uids.map((range) => absolute(range, spec.linux?.uidMappings ?? []))
  const gids = maps.gids.map((range) => absolute(range, spec.linux?.gidMappings ?? []))
  const all = (list: typeof uids) => list.filter((map) => map !== undefined)
  if (all(uids).length < uids.length || all(gids).length < gids.length) return undefined
  return { uidMap: idMapText(all(uids)), gidMap: idMapText(all(gids)) }
}

/** The mount's own mappings, or those of the option, or the container's. */
function mountMap(spec: Spec, mount: Mount, { idmap }: Pick<MountOptions, 'idmap'>): MountMap | undefined {
  const { uidMappings = [], gidMappings = [] } = mount
  if (uidMappings.length > 0) return { uidMap: idMapText(uidMappings), gidMap: idMapText(gidMappings) }
  if (idmap?.maps) return optionMap(idmap.maps, spec)
  const user = namespace(spec, 'user')
  if (user === undefined) return undefined
  if (user !== 'new') return { namespace: user.path }
  return { uidMap: idMapText(spec.linux?.uidMappings ?? []), gidMap: idMapText(spec.linux?.gidMappings ?? []) }
}

/** The mount of the slot goes to the parent, who maps it and says so. */
export function idmapSteps(ctx: MountContext, { mount, options, origin }: PlannedMount, slot: Slot): ChildStep[] {
  const map = isIdmapped(mount, options) ? mountMap(ctx.spec, mount, options) : undefined
  if (map === undefined) return []
  ctx.hostSteps.push(
    { kind: 'idmap', map, recursive: options.idmap?.recursive ?? false, origin },
    { kind: 'await', tag: 'idmap' },
    { kind: 'answer', tag: 'idmap' },
  )
  return [
    { kind: 'sendFd', tag: 'idmap', slot, origin },
    { kind: 'sync', tag: 'idmap', wait: true, origin },
  ]
}

/** What is asked of an idmapped mount and cannot be done. */
export function idmapProblems(spec: Spec, mayMount: boolean, mount: Mount, at: string): Problem[] {
  const options = parseMountOptions(mount.options ?? [])
  if (!isIdmapped(mount, options)) return []
  const refuse = (message: string) => [{ pointer: `${at}/options`, message }]
  if (/^cgroup2?$/.test(mount.type ?? '') && !options.bind)
    return refuse(`a mount of type "${mount.type}" cannot be id-mapped`)
  if (!mayMount) return refuse('id-mapped mounts are not supported for rootless containers')
  if (mountMap(spec, mount, options)) return []
  return options.idmap?.maps
    ? refuse('could not find a user namespace mapping for the whole of a relative mapping ("@")')
    : refuse('an idmapped mount without uidMappings and gidMappings needs a user namespace')
}
