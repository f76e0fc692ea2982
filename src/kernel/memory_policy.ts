/** NUMA memory policies, set_mempolicy(2) and <linux/mempolicy.h>, by the names of config.json. */

/** KERNEL(5.15): MPOL_PREFERRED_MANY; KERNEL(6.9): MPOL_WEIGHTED_INTERLEAVE. Older ones say EINVAL. */
export const MEMORY_MODES = {
  MPOL_DEFAULT: 0,
  MPOL_PREFERRED: 1,
  MPOL_BIND: 2,
  MPOL_INTERLEAVE: 3,
  MPOL_LOCAL: 4,
  MPOL_PREFERRED_MANY: 5,
  MPOL_WEIGHTED_INTERLEAVE: 6,
} as const

/** They go into the mode. KERNEL(5.12): MPOL_F_NUMA_BALANCING. */
export const MEMORY_FLAGS = {
  MPOL_F_NUMA_BALANCING: 1 << 13,
  MPOL_F_RELATIVE_NODES: 1 << 14,
  MPOL_F_STATIC_NODES: 1 << 15,
} as const
