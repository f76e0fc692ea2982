/** The flags of `update`, a part of the command table. Their names are runc's. */
import type { OptionTable } from './option.ts'

export const UPDATE = {
  resources: {
    type: 'string',
    value: 'FILE',
    alias: 'r',
    description: 'read linux.resources as JSON from this file, - for stdin; other limits are then ignored',
  },
  'blkio-weight': { type: 'number', min: 0, description: 'block I/O weight, 10 to 1000' },
  'cpu-period': { type: 'string', description: 'period of the CPU quota, in microseconds' },
  'cpu-quota': { type: 'string', description: 'CPU time in each period, in microseconds; -1: no limit' },
  'cpu-burst': { type: 'string', description: 'CPU time that may be saved up for later, in microseconds' },
  'cpu-share': { type: 'string', description: 'CPU weight relative to other containers' },
  'cpu-rt-period': { type: 'string', description: 'period of the realtime CPU time, in microseconds' },
  'cpu-rt-runtime': { type: 'string', description: 'realtime CPU time in each period, in microseconds' },
  'cpu-idle': { type: 'string', description: '1: run only when nothing else does (SCHED_IDLE); 0: as usual' },
  'cpuset-cpus': { type: 'string', description: 'CPUs, such as 0-3,7' },
  'cpuset-mems': { type: 'string', description: 'memory nodes, such as 0-1' },
  'kernel-memory': { type: 'string', hidden: true, description: 'ignored' },
  'kernel-memory-tcp': { type: 'string', hidden: true, description: 'ignored' },
  memory: { type: 'string', description: 'memory in bytes, or with a unit such as 512m; -1: no limit' },
  'memory-reservation': { type: 'string', description: 'soft limit of memory' },
  'memory-swap': { type: 'string', description: 'memory and swap together; -1: no limit' },
  'pids-limit': { type: 'number', description: 'number of tasks; -1: no limit' },
  'l3-cache-schema': { type: 'string', description: 'Intel RDT, not supported yet' },
  'mem-bw-schema': { type: 'string', description: 'Intel RDT, not supported yet' },
} as const satisfies OptionTable
