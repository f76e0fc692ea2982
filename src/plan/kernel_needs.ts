/**
 * What a configuration asks for that this kernel is too old for: told by the version it takes, before anything is made,
 * where the kernel itself would say no more than "invalid argument". What has a fallback is not here.
 */
import type { Problem } from '../base/errors.ts'
import { pointer } from '../base/pointer.ts'
import { ATTR } from '../kernel/mount.ts'
import { parseMountOptions } from '../kernel/mount_options.ts'
import type { Mount, Resources, Spec } from '../spec/types.gen.ts'
import { type Facts, kernelAtLeast } from './facts.ts'
import { isIdmapped } from './idmap.ts'

interface Need {
  readonly pointer: string
  readonly what: string
  readonly since: readonly [major: number, minor: number]
}

/** KERNEL: modes of set_mempolicy(2) that came after davit's own minimum. */
const MODES: Readonly<Record<string, Need['since']>> = {
  MPOL_PREFERRED_MANY: [5, 15],
  MPOL_WEIGHTED_INTERLEAVE: [6, 9],
}

function linuxNeeds({ linux }: Spec): Need[] {
  const needs: Need[] = []
  const mount = linux?.namespaces?.findIndex(({ type }) => type === 'mount') ?? -1
  if (mount >= 0)
    needs.push({ pointer: `/linux/namespaces/${mount}`, what: 'mounts, by mount_setattr(2)', since: [5, 12] })
  const mode = linux?.memoryPolicy?.mode ?? ''
  const since = MODES[mode]
  if (since) needs.push({ pointer: '/linux/memoryPolicy/mode', what: mode, since })
  needs.push(...resourceNeeds(linux?.resources, '/linux/resources'))
  return needs
}

/** KERNEL: files of cgroup v2 that came after davit's own minimum. */
const FILES: Readonly<Record<string, Need['since']>> = { 'cpu.max.burst': [5, 14], 'cpu.idle': [5, 15] }

function resourceNeeds({ cpu, unified = {} }: Resources = {}, at: string): Need[] {
  const needs: Need[] = []
  // Without the files everything is as with 0.
  if (cpu?.burst) needs.push({ pointer: `${at}/cpu/burst`, what: 'a CPU burst', since: [5, 14] })
  if (cpu?.idle) needs.push({ pointer: `${at}/cpu/idle`, what: 'an idle cgroup', since: [5, 15] })
  for (const file of Object.keys(unified)) {
    const since = FILES[file]
    if (since) needs.push({ pointer: at + pointer('unified', file), what: `the file "${file}"`, since })
  }
  return needs
}

function mountNeeds(mount: Mount, at: string): Need[] {
  const options = parseMountOptions(mount.options ?? [])
  const { set, clear, recursiveSet, recursiveClear } = options
  const needs: Need[] = []
  if ((set | clear | recursiveSet | recursiveClear) & ATTR.nosymfollow)
    needs.push({ pointer: `${at}/options`, what: 'the option "nosymfollow"', since: [5, 14] })
  if (mount.type === 'tmpfs' && !options.bind && isIdmapped(mount, options))
    needs.push({ pointer: `${at}/options`, what: 'an idmapped tmpfs', since: [6, 3] })
  return needs
}

/** Problems with pointers into config.json. */
export function kernelProblems(spec: Spec, facts: Pick<Facts, 'kernel'>): Problem[] {
  return tooOld(linuxNeeds(spec), facts)
}

/** Problems of resources alone, as `update` has them. */
export function kernelResourceProblems(resources: Resources, facts: Pick<Facts, 'kernel'>): Problem[] {
  return tooOld(resourceNeeds(resources, ''), facts)
}

/** Problems of a list of mounts; `place` is the pointer to it. */
export function kernelMountProblems(mounts: readonly Mount[], facts: Pick<Facts, 'kernel'>, place: string): Problem[] {
  const needs = mounts.flatMap((mount, index) => mountNeeds(mount, `${place}/${index}`))
  return tooOld(needs, facts)
}

function tooOld(needs: readonly Need[], facts: Pick<Facts, 'kernel'>): Problem[] {
  return needs
    .filter(({ since: [major, minor] }) => !kernelAtLeast(facts, major, minor))
    .map(({ pointer, what, since }) => {
      return { pointer, message: `${what} takes Linux ${since.join('.')} or newer, this is ${facts.kernel.join('.')}` }
    })
}
