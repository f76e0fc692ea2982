/**
 * Fields of config.json that this davit does not act on. Ignoring one would give a container that is not what was
 * asked for, so they are refused, all at once, before anything is created.
 */
import type { Problem } from '../base/errors.ts'
import { bitsOfHex, hasCapability } from '../kernel/capability_bits.ts'
import { parseMountOptions } from '../kernel/mount_options.ts'
import type { Mount, Spec } from '../spec/types.gen.ts'
import { namespace } from './context.ts'
import type { ProcessFacts } from './facts.ts'
import { NO_SELINUX, processProblems, refuseAll } from './unsupported_process.ts'

const FIELDS: readonly (readonly [pointer: string, present: (spec: Spec) => unknown])[] = [
  ['/linux/intelRdt', ({ linux }) => linux?.intelRdt],
]

export function refuseUnsupported(spec: Spec, facts: ProcessFacts): void {
  const problems: Problem[] = []
  const refuse = (pointer: string, message: string) => problems.push({ pointer, message })
  for (const [pointer, present] of FIELDS) if (present(spec)) refuse(pointer, 'not supported by this version of davit')
  problems.push(...processProblems(spec.process, facts))
  if (spec.linux?.mountLabel && !facts.selinux) refuse('/linux/mountLabel', NO_SELINUX)
  if (
    Object.keys(spec.linux?.netDevices ?? {}).length > 0 &&
    !hasCapability(bitsOfHex(facts.effectiveCaps), 'CAP_NET_ADMIN')
  )
    refuse('/linux/netDevices', 'unable to move network devices without CAP_NET_ADMIN: they are for root only')
  // They would be made on the host and stay there.
  if (spec.mounts?.length && namespace(spec, 'mount') === undefined) {
    refuse('/mounts', 'mounts need a mount namespace')
  }
  problems.push(...mountProblems(spec.mounts ?? [], '/mounts'))
  refuseAll(problems, 'config.json')
}

/** What is asked of mounts and not done; `place` is the pointer to the list. */
export function mountProblems(mounts: readonly Mount[], place: string): Problem[] {
  return mounts.flatMap((mount, index): Problem[] => {
    const at = `${place}/${index}`
    const options = parseMountOptions(mount.options ?? [])
    const problems = options.unsupported.map((option) => ({
      pointer: `${at}/options`,
      message: `option "${option}" is not supported by this version of davit`,
    }))
    if (mount.uidMappings?.length || mount.gidMappings?.length) {
      const message = 'idmapped mounts are not supported by this version of davit'
      problems.unshift({ pointer: `${at}/uidMappings`, message })
    }
    if (options.copyUp && (options.bind || mount.type !== 'tmpfs'))
      problems.push({ pointer: `${at}/options`, message: 'option "tmpcopyup" is for a tmpfs only' })
    if (options.bind && options.data.length > 0) {
      // They belong to the superblock, which a bind mount shares with the host.
      const message = `bind mounts cannot have any filesystem-specific options applied: ${options.data.join(',')}`
      problems.push({ pointer: `${at}/options`, message })
    }
    return problems
  })
}
