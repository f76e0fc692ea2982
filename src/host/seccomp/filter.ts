/** What a container's linux.seccomp comes to. Loaded only when config.json has one; libseccomp only if nothing is cached. */
import type { Log } from '../../base/log.ts'
import type { CompiledSeccomp } from '../../plan/seccomp/model.ts'
import { wantsListener } from '../../plan/seccomp/rules.ts'
import type { Seccomp } from '../../spec/types.gen.ts'
import { cacheKey, readCached } from './cache.ts'
import { filterFlags } from './flags.ts'

export interface CacheUse {
  /** Absolute path of the directory. */
  readonly directory: string
  /** Whether what is compiled may be written there. */
  readonly write: boolean
}

async function programFor(profile: Seccomp, arch: 'x64' | 'arm64', cache: CacheUse, log: Log): Promise<Uint8Array> {
  const key = cacheKey(profile, arch)
  const cached = readCached(cache.directory, key, log)
  if (cached) return cached
  const program = (await import('./compile.ts')).compileProgram(profile, arch, log)
  if (cache.write) (await import('./store.ts')).writeCached(cache.directory, key, program, log)
  return program
}

/** Compiles a profile, or finds it compiled; throws RuntimeError 'unsupported'. */
export async function compileFilter(
  profile: Seccomp,
  arch: 'x64' | 'arm64',
  cache: CacheUse,
  log: Log,
): Promise<CompiledSeccomp> {
  const { listenerPath, listenerMetadata } = profile
  const flags = filterFlags(profile)
  return {
    program: await programFor(profile, arch, cache, log),
    flags,
    ...(wantsListener(profile) && listenerPath
      ? { listener: { path: listenerPath, ...(listenerMetadata ? { metadata: listenerMetadata } : {}) } }
      : {}),
  }
}
