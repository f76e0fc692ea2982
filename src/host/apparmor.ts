/** What the kernel's AppArmor knows. */
import { SysError } from '../base/errors.ts'
import { readTextIf } from '../ffi/file.ts'

/**
 * Names of the loaded profiles, "parent//child" for those within another; undefined where that cannot be told: the list
 * is for who may manage profiles, and a runtime that is itself confined may see, and may change to, others.
 */
export function loadedProfiles(): readonly string[] | undefined {
  try {
    // KERNEL(5.8): attr/current belongs to the first security module, which another may be.
    const own = readTextIf('/proc/self/attr/apparmor/current') ?? readTextIf('/proc/self/attr/current')
    if (own?.trim() !== 'unconfined') return undefined
    return parseProfiles(readTextIf('/sys/kernel/security/apparmor/profiles'))
  } catch (error) {
    if (error instanceof SysError) return undefined
    throw error
  }
}

/** Lines of "name (mode)"; a name may have spaces in it. */
export function parseProfiles(text: string | undefined): readonly string[] | undefined {
  return text?.split('\n').flatMap((line) => /^(.+) \([a-z]+\)$/.exec(line)?.[1] ?? [])
}
