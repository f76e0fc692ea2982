/** Operands of the steps that say how a process is scheduled and where its memory comes from. */
import type { MEMORY_FLAGS, MEMORY_MODES } from '../kernel/memory_policy.ts'
import type { IOPRIO_CLASSES, SCHED_FLAGS, SCHED_POLICIES } from '../kernel/scheduling.ts'

/** sched_setattr(2); times in nanoseconds, in decimal: 64 bits. */
export interface SchedulerOperands {
  readonly policy: keyof typeof SCHED_POLICIES
  readonly flags: readonly (keyof typeof SCHED_FLAGS)[]
  readonly nice: number
  readonly priority: number
  readonly runtime: string
  readonly deadline: string
  readonly period: string
}

/** ioprio_set(2). */
export interface IoPriorityOperands {
  readonly class: keyof typeof IOPRIO_CLASSES
  readonly priority: number
}

/** set_mempolicy(2). */
export interface MemoryPolicyOperands {
  readonly mode: keyof typeof MEMORY_MODES
  readonly flags: readonly (keyof typeof MEMORY_FLAGS)[]
  /** A list such as "0-3,7", or empty for none. */
  readonly nodes: string
}
