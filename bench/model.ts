/** What is measured, as it is written to bench/results. */
import type { Charge } from './memory.ts'
import type { Times } from './time.ts'

export interface Results {
  readonly date: string
  readonly machine: Readonly<Record<string, string | number>>
  readonly runtimes: Readonly<Record<string, string>>
  /** Milliseconds, by measure and runtime. */
  readonly times: Readonly<Record<string, Readonly<Record<string, Times>>>>
  /** KiB, by runtime. */
  readonly smallestLimit: Readonly<Record<string, number>>
  readonly peakRss: Readonly<Record<string, number>>
  readonly waitingRss?: Readonly<Record<string, number>>
  /** KiB; `bare` is a process in a cgroup that no runtime made. */
  readonly left: Readonly<Record<string, Charge>>
}
