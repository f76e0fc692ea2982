/** `exec --cgroup [controller[,controller...]:]path`: which cgroup below the container's. Pure, as runc reads it. */
import { RuntimeError } from '../base/errors.ts'

/** Path below the container's cgroup, without slashes around it, by controller; '' stands for all there are. */
export type SubCgroups = ReadonlyMap<string, string>

/** @throws RuntimeError 'config-invalid' for what is ambiguous, and for every "..". */
export function parseSubCgroups(flags: readonly string[]): SubCgroups {
  const found = new Map<string, string>()
  for (const flag of flags) {
    const colon = flag.indexOf(':')
    const path = innerPath(flag, flag.slice(colon + 1))
    if (colon < 0) {
      if (flags.length > 1) throw invalid(flag, 'missing <controller>: prefix')
      found.set('', path)
      continue
    }
    for (const controller of flag.slice(0, colon).split(',')) {
      if (controller === '') throw invalid(flag, 'empty <controller> prefix')
      if (found.has(controller)) throw invalid(flag, `controller ${controller} specified multiple times`)
      found.set(controller, path)
    }
  }
  return found
}

function innerPath(flag: string, path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  // SAFETY: whatever cleaning would make of it, nobody means a place outside of the container's cgroup.
  if (parts.includes('..')) throw invalid(flag, 'it is not a sub cgroup path')
  return parts.join('/')
}

function invalid(flag: string, why: string): RuntimeError {
  return new RuntimeError('config-invalid', `invalid --cgroup argument: ${JSON.stringify(flag.slice(0, 200))}: ${why}`)
}

/** The path for a directory of these controllers, [] for v2; undefined when the flags do not speak of it. */
export function subCgroupOf(sub: SubCgroups, controllers: readonly string[]): string | undefined {
  for (const controller of controllers) {
    const path = sub.get(controller) ?? sub.get(controller.replace('name=', ''))
    if (path !== undefined) return path
  }
  return sub.get('')
}
