/** What a container's linux.seccomp comes to. Loaded only when config.json has one; libseccomp only if nothing is cached. */
import type { Log } from '../../base/log.ts'
import type { CompiledSeccomp, SeccompListener } from '../../plan/seccomp/model.ts'
import { wantsListener } from '../../plan/seccomp/rules.ts'
import { ANNOTATION } from '../../spec/annotations.ts'
import type { Seccomp } from '../../spec/types.gen.ts'
import { cacheKey, readCached } from './cache.ts'
import { filterFlags } from './flags.ts'

export interface CacheUse {
  /** Absolute path of the directory. */
  readonly directory: string
  /** Whether what is compiled may be written there. */
  readonly write: boolean
}

export interface FilterWish {
  readonly arch: 'x64' | 'arm64'
  /** Whether names that libseccomp does not know are an error. */
  readonly strict: boolean
  /** The agent, where the profile names none. */
  readonly receiver?: string | undefined
}

async function programFor(profile: Seccomp, wish: FilterWish, cache: CacheUse, log: Log): Promise<Uint8Array> {
  const { arch, strict } = wish
  const key = cacheKey(profile, arch, strict)
  const cached = readCached(cache.directory, key, log)
  if (cached) return cached
  const program = (await import('./compile.ts')).compileProgram(profile, { arch, strict }, log)
  if (cache.write) (await import('./store.ts')).writeCached(cache.directory, key, program, log)
  return program
}

/** Compiles a profile, or finds it compiled; throws RuntimeError 'unsupported'. */
export async function compileFilter(
  profile: Seccomp,
  wish: FilterWish,
  cache: CacheUse,
  log: Log,
): Promise<CompiledSeccomp> {
  const flags = filterFlags(profile.flags, wantsListener(profile))
  const program = await programFor(profile, wish, cache, log)
  const listener = wantsListener(profile) ? listenerOf(profile, profile.listenerPath, wish.receiver) : undefined
  return { program, flags, ...(listener ? { listener } : {}) }
}

/**
 * A filter that somebody else has compiled, in base64 as the rules on annotations have checked it. Of a profile beside it
 * only the flags count, as with crun; with a receiver the filter gets a listener, whether it asks for one or not.
 */
export function givenFilter(text: string, profile: Seccomp | undefined, receiver: string | undefined): CompiledSeccomp {
  const flags = filterFlags(profile?.flags, receiver !== undefined)
  const program = Buffer.from(text, 'base64')
  const source = `/annotations/${ANNOTATION.seccompProgram}`
  const listener = listenerOf(profile, undefined, receiver)
  return { program, flags, source, ...(listener ? { listener } : {}) }
}

/** The agent at the profile's path, or else the annotation's. */
function listenerOf(
  profile: Seccomp | undefined,
  path: string | undefined,
  receiver: string | undefined,
): SeccompListener | undefined {
  const metadata = profile?.listenerMetadata ? { metadata: profile.listenerMetadata } : {}
  if (path) return { path, ...metadata }
  if (!receiver) return undefined
  return { path: receiver, ...metadata, source: `/annotations/${ANNOTATION.seccompReceiver}` }
}
