/** The flags of `update`, a part of the command table. Their names are runc's. */
import type { OptionTable } from './option.ts'

export const UPDATE = {
  resources: {
    type: 'string',
    value: 'FILE',
    alias: 'r',
    description: 'read linux.resources as JSON from this file, - for stdin; other limits are then ignored',
  },
  'blkio-weight': { type: 'number', value: 'N', min: 0, description: 'block I/O weight, 10 to 1000' },
  'cpu-period': { type: 'string', value: 'USEC', description: 'period of the CPU quota, in microseconds' },
  'cpu-quota': { type: 'string', value: 'USEC', description: 'CPU time in each period, in microseconds; -1: no limit' },
  'cpu-burst': {
    type: 'string',
    value: 'USEC',
    description: 'CPU time that may be saved up for later, in microseconds',
  },
  'cpu-share': { type: 'string', value: 'N', description: 'CPU weight relative to other containers' },
  'cpu-rt-period': { type: 'string', value: 'USEC', description: 'period of the realtime CPU time, in microseconds' },
  'cpu-rt-runtime': { type: 'string', value: 'USEC', description: 'realtime CPU time in each period, in microseconds' },
  'cpu-idle': {
    type: 'string',
    value: 'N',
    description: '1: run only when nothing else does (SCHED_IDLE); 0: as usual',
  },
  'cpuset-cpus': { type: 'string', value: 'LIST', description: 'CPUs, such as 0-3,7' },
  'cpuset-mems': { type: 'string', value: 'LIST', description: 'memory nodes, such as 0-1' },
  'kernel-memory': { type: 'string', hidden: true, description: 'ignored' },
  'kernel-memory-tcp': { type: 'string', hidden: true, description: 'ignored' },
  memory: { type: 'string', value: 'SIZE', description: 'memory in bytes, or with a unit such as 512m; -1: no limit' },
  'memory-reservation': { type: 'string', value: 'SIZE', description: 'soft limit of memory' },
  'memory-swap': { type: 'string', value: 'SIZE', description: 'memory and swap together; -1: no limit' },
  'pids-limit': { type: 'number', value: 'N', description: 'number of tasks; -1: no limit' },
  'l3-cache-schema': { type: 'string', value: 'SCHEMA', description: 'Intel RDT: parts of the L3 cache, L3:0=f;1=f0' },
  'mem-bw-schema': { type: 'string', value: 'SCHEMA', description: 'Intel RDT: memory bandwidth, MB:0=20;1=70' },
} as const satisfies OptionTable
