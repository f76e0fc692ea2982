/** What the planners of mounts get, and a mount that is read but not yet planned. */
import type { MountOptions } from '../kernel/mount_options.ts'
import type { Mount } from '../spec/types.gen.ts'
import type { PlanContext } from './context.ts'
import type { Origin } from './step.ts'

export interface MountContext
  extends Pick<PlanContext, 'spec' | 'facts' | 'cgroup' | 'hostSteps' | 'warnings' | 'slot' | 'scratch'> {
  readonly request: Pick<PlanContext['request'], 'bundle' | 'notifyFolder' | 'links'>
  /**
   * Set when the container runs already and is entered from outside: no path leads to the host from there, so that all
   * of the host's is opened by the parent. The mounts are then a list of their own, not /mounts of config.json.
   */
  readonly entering?: true
}

export interface PlannedMount {
  readonly mount: Mount
  readonly options: MountOptions
  /** Absolute in the container. */
  readonly target: string
  readonly origin: Origin
}
