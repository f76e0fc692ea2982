/**
 * Fields of config.json that this davit does not act on. Ignoring one would give a container that is not what was
 * asked for, so they are refused, all at once, before anything is created.
 */
import type { Problem } from '../base/errors.ts'
import { isWithin } from '../base/path.ts'
import { bitsOfHex, hasCapability } from '../kernel/capability_bits.ts'
import { parseMountOptions } from '../kernel/mount_options.ts'
import type { Mount, Spec } from '../spec/types.gen.ts'
import { namespace } from './context.ts'
import type { Facts } from './facts.ts'
import { idmapProblems } from './idmap.ts'
import { kernelMountProblems, kernelProblems } from './kernel_needs.ts'
import { lengthProblems } from './long_options.ts'
import { remountProblems } from './remount.ts'
import { labelProblems, NO_SELINUX, processProblems, profileProblems, refuseAll } from './unsupported_process.ts'

export function refuseUnsupported(spec: Spec, facts: Facts): void {
  const problems: Problem[] = []
  const refuse = (pointer: string, message: string) => problems.push({ pointer, message })
  if (spec.linux?.intelRdt && facts.resctrl === undefined) {
    // runc's words.
    refuse(
      '/linux/intelRdt',
      'intelRdt is specified in config, but Intel RDT is not supported or enabled: no resctrl is mounted',
    )
  }
  problems.push(...processProblems(spec.process, facts))
  const { prestart, createRuntime, createContainer } = spec.hooks ?? {}
  if (![prestart, createRuntime, createContainer].some((hooks) => hooks?.length)) {
    problems.push(...profileProblems(spec.process, facts))
    problems.push(...labelProblems(spec.process?.selinuxLabel, '/process/selinuxLabel', facts))
  }
  // Used before any hook runs.
  problems.push(...labelProblems(spec.linux?.mountLabel, '/linux/mountLabel', facts))
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
  problems.push(...kernelProblems(spec, facts), ...mountProblems(spec, facts, '/mounts'))
  refuseAll(problems, 'config.json')
}

/** What is asked of the mounts and not done; `place` is the pointer to the list. */
export function mountProblems(spec: Spec, facts: Pick<Facts, 'mayMount' | 'kernel'>, place: string): Problem[] {
  const mounts = spec.mounts ?? []
  const problems = mounts.flatMap((mount, index): Problem[] => {
    const at = `${place}/${index}`
    return [
      ...optionProblems(mount, facts, `${at}/options`),
      ...idmapProblems(spec, facts.mayMount, mount, at),
      ...remountProblems(mount, at),
    ]
  })
  return [...problems, ...kernelMountProblems(mounts, facts, place)]
}

function optionProblems(mount: Mount, facts: Pick<Facts, 'kernel'>, pointer: string): Problem[] {
  const options = parseMountOptions(mount.options ?? [])
  const problems: Problem[] = []
  const refuse = (message: string) => problems.push({ pointer, message })
  const bound = options.bind !== undefined || options.remount === 'mount'
  if (options.copyUp && (options.bind || mount.type !== 'tmpfs')) refuse('option "tmpcopyup" is for a tmpfs only')
  if (bound && options.data.length > 0) {
    // They belong to the superblock, which a bind mount shares with the host.
    refuse(`bind mounts cannot have any filesystem-specific options applied: ${options.data.join(',')}`)
  }
  if (!bound) for (const message of lengthProblems(mount.type ?? '', options.data, facts)) refuse(message)
  const links = [
    ['copy-symlink', options.copySymlink],
    ['src-nofollow', options.sourceNoFollow],
    ['dest-nofollow', options.targetNoFollow],
  ] as const
  for (const [name, asked] of links) {
    if (asked && !bound) refuse(`option "${name}" is for a bind mount only`)
  }
  if (options.copySymlink && (options.sourceNoFollow || options.targetNoFollow))
    refuse('"copy-symlink" is mutually exclusive with "src-nofollow" and "dest-nofollow"')
  if (options.targetNoFollow && isWithin(`/${mount.destination}`, '/proc'))
    refuse('option "dest-nofollow" cannot be used below "/proc"')
  return problems
}
