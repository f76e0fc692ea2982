/** What `features` says of seccomp. */
import { loadLibSeccomp } from '../../ffi/libseccomp.ts'
import { ACTIONS, ARCHITECTURES, FILTER_FLAGS, OPERATORS } from '../../kernel/seccomp.ts'
import { supportedFlags } from './flags.ts'

/** The words understood, and libseccomp's version; undefined where that is not installed. */
export function seccompFeatures() {
  let version: readonly number[]
  try {
    ;({ version } = loadLibSeccomp())
  } catch {
    return undefined
  }
  return {
    version: version.join('.'),
    words: {
      actions: Object.keys(ACTIONS).sort(),
      operators: Object.keys(OPERATORS).sort(),
      archs: Object.keys(ARCHITECTURES).sort(),
      knownFlags: Object.keys(FILTER_FLAGS),
      supportedFlags: supportedFlags(),
    },
  }
}
