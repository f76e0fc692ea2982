/** All requirements, by document and in its order. */
import { CONFIG } from './config.ts'
import { FEATURES, FEATURES_LINUX } from './features.ts'
import { INTEL_RDT } from './intel_rdt.ts'
import { LINUX } from './linux.ts'
import type { Requirement } from './requirement.ts'
import { RUNTIME, RUNTIME_LINUX } from './runtime.ts'

export const REQUIREMENTS: readonly Requirement[] = [
  ...RUNTIME,
  ...RUNTIME_LINUX,
  ...CONFIG,
  ...LINUX,
  ...INTEL_RDT,
  ...FEATURES,
  ...FEATURES_LINUX,
]

/**
 * How many key words each document of version 1.3.0 has, which the rows of the tables stand for. Counted in its text by
 * `grep -owE '(MUST|SHOULD)( NOT)?|(NOT )?RECOMMENDED|REQUIRED' config.md | wc -l`.
 */
export const KEY_WORDS: Readonly<Record<string, number>> = {
  'runtime.md': 56,
  'runtime-linux.md': 1,
  'config.md': 195,
  'config-linux.md': 117,
  'features.md': 12,
  'features-linux.md': 10,
}
