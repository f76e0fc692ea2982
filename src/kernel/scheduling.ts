/** How the kernel is asked to schedule a process: sched_setattr(2), ioprio_set(2), personality(2), as numbers. */

/** <linux/sched.h>. 4 is SCHED_ISO: reserved, in no kernel. */
export const SCHED_POLICIES = {
  SCHED_OTHER: 0,
  SCHED_FIFO: 1,
  SCHED_RR: 2,
  SCHED_BATCH: 3,
  SCHED_IDLE: 5,
  SCHED_DEADLINE: 6,
} as const

/** <linux/sched.h>, sched_flags of struct sched_attr. */
export const SCHED_FLAGS = {
  SCHED_FLAG_RESET_ON_FORK: 0x01,
  SCHED_FLAG_RECLAIM: 0x02,
  SCHED_FLAG_DL_OVERRUN: 0x04,
  SCHED_FLAG_KEEP_POLICY: 0x08,
  SCHED_FLAG_KEEP_PARAMS: 0x10,
  SCHED_FLAG_UTIL_CLAMP_MIN: 0x20,
  SCHED_FLAG_UTIL_CLAMP_MAX: 0x40,
} as const

/** <linux/ioprio.h>: the class stands above bit 13, the level below. */
export const IOPRIO_CLASSES = { IOPRIO_CLASS_RT: 1, IOPRIO_CLASS_BE: 2, IOPRIO_CLASS_IDLE: 3 } as const
export const IOPRIO_CLASS_SHIFT = 13
export const IOPRIO_WHO_PROCESS = 1

/** <linux/personality.h>, by the names of config.json. */
export const PERSONALITIES = { LINUX: 0, LINUX32: 0x0008 } as const
