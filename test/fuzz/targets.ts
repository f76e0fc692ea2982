/** All that is fuzzed but the executor, which has libFuzzer (test/native/fuzz.c). */
import { COMMAND_TARGET } from './command.ts'
import { CONFIG_TARGET } from './config.ts'
import { FILES_TARGET } from './files.ts'
import { PREPARED_TARGET } from './prepared.ts'
import { PROGRAM_TARGET } from './program.ts'
import { STATE_TARGET } from './state.ts'
import type { Target } from './target.ts'

export const TARGETS: readonly Target[] = [
  CONFIG_TARGET,
  COMMAND_TARGET,
  FILES_TARGET,
  STATE_TARGET,
  PREPARED_TARGET,
  PROGRAM_TARGET,
]
