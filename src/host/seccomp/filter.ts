/** What a container's linux.seccomp comes to. Loaded only when config.json has one. */
import type { Log } from '../../base/log.ts'
import type { CompiledSeccomp } from '../../plan/seccomp/model.ts'
import { wantsListener } from '../../plan/seccomp/rules.ts'
import type { Seccomp } from '../../spec/types.gen.ts'
import { compileProgram } from './compile.ts'
import { filterFlags } from './flags.ts'

/** Compiles a profile; throws RuntimeError 'unsupported'. */
export function compileFilter(profile: Seccomp, arch: 'x64' | 'arm64', log: Log): CompiledSeccomp {
  const { listenerPath, listenerMetadata } = profile
  return {
    program: compileProgram(profile, arch, log),
    flags: filterFlags(profile),
    ...(wantsListener(profile) && listenerPath
      ? { listener: { path: listenerPath, ...(listenerMetadata ? { metadata: listenerMetadata } : {}) } }
      : {}),
  }
}
