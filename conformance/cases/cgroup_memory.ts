/** config-linux.md#memory: every limit of memory, on v1 and v2. */
import type { Resource } from '../resource.ts'

const MEMORY = 'config-linux.md#memory'
const M64 = 67_108_864
const M128 = 134_217_728
const M32 = 33_554_432

export const MEMORY_RESOURCES: readonly Resource[] = [
  {
    id: 'memory-limit',
    section: MEMORY,
    controller: 'memory',
    resources: { memory: { limit: M64 } },
    v1: [['memory.limit_in_bytes', `${M64}`]],
    v2: [['memory.max', `${M64}`]],
  },
  {
    id: 'memory-unlimited',
    section: MEMORY,
    controller: 'memory',
    resources: { memory: { limit: -1 } },
    v1: [['memory.limit_in_bytes', '-1']],
    v2: [['memory.max', 'max']],
  },
  {
    id: 'memory-reservation',
    section: MEMORY,
    controller: 'memory',
    resources: { memory: { reservation: M32 } },
    v1: [['memory.soft_limit_in_bytes', `${M32}`]],
    v2: [['memory.low', `${M32}`]],
  },
  {
    id: 'memory-swap',
    section: MEMORY,
    controller: 'memory',
    resources: { memory: { limit: M64, swap: M128 } },
    v1: [
      ['memory.limit_in_bytes', `${M64}`],
      ['memory.memsw.limit_in_bytes', `${M128}`],
    ],
    v2: [['memory.swap.max', `${M128 - M64}`]],
  },
  {
    id: 'memory-swap-none',
    section: MEMORY,
    controller: 'memory',
    resources: { memory: { limit: M64, swap: M64 } },
    v1: [
      ['memory.limit_in_bytes', `${M64}`],
      ['memory.memsw.limit_in_bytes', `${M64}`],
    ],
    v2: [['memory.swap.max', '0']],
  },
  {
    id: 'memory-swap-unlimited',
    section: MEMORY,
    controller: 'memory',
    resources: { memory: { limit: M64, swap: -1 } },
    v1: [
      ['memory.limit_in_bytes', `${M64}`],
      ['memory.memsw.limit_in_bytes', '-1'],
    ],
    v2: [['memory.swap.max', 'max']],
  },
  {
    id: 'memory-kernel-tcp',
    section: MEMORY,
    controller: 'memory',
    resources: { memory: { kernelTCP: M32 } },
    v1: [['memory.kmem.tcp.limit_in_bytes', `${M32}`]],
    more: {
      deviations: {
        davit: {
          versions: '>=0.1',
          why: 'ignores the settings of kernel memory, which are not recommended, with a warning, as runc does',
        },
        runc: {
          seen: '1.1.5',
          why: 'ignores the settings of kernel memory, which are not recommended, with a warning',
        },
      },
    },
  },
  {
    id: 'memory-swappiness',
    section: MEMORY,
    controller: 'memory',
    resources: { memory: { swappiness: 17 } },
    v1: [['memory.swappiness', '17']],
  },
  {
    id: 'memory-oom-killer',
    section: MEMORY,
    controller: 'memory',
    resources: { memory: { limit: M64, disableOOMKiller: true } },
    v1: [['memory.oom_control', '1']],
  },
]
