/** A mount of the configuration, read but not yet planned. */
import type { MountOptions } from '../kernel/mount_options.ts'
import type { Mount } from '../spec/types.gen.ts'
import type { Origin } from './step.ts'

export interface PlannedMount {
  readonly mount: Mount
  readonly options: MountOptions
  /** Absolute in the container. */
  readonly target: string
  readonly origin: Origin
}
