/** config-linux.md#offset-for-time-namespace */
import { existsSync } from 'node:fs'
import { refuses, sees } from '../declare.ts'
import { namespaceOf } from '../look.ts'
import type { Case } from '../suite.ts'

const TIME = 'config-linux.md#offset-for-time-namespace'

const noTime = () => (existsSync('/proc/self/ns/time') ? undefined : 'no time namespaces (CONFIG_TIME_NS)')

const OLD = {
  runc: { versions: '<1.2', why: 'has no time namespaces' },
  crun: { versions: '<1.8.4', why: 'fails to create the container' },
}

export const CLOCKS: readonly Case[] = [
  sees(
    ['time-namespace-offsets', TIME, 'both clocks have the offsets configured, nanoseconds too'],
    {
      ociVersion: '1.1.0',
      linux: {
        namespaces: [{ type: 'time' }],
        timeOffsets: { boottime: { secs: 777, nanosecs: 5 }, monotonic: { secs: 888, nanosecs: 999_999_999 } },
      },
    },
    'cat /proc/self/timens_offsets',
    /^monotonic +888 +999999999\nboottime +777 +5\n$/,
    { needs: noTime, deviations: OLD },
  ),
  sees(
    ['time-namespace-uptime', TIME, 'the container’s own clock has the offset'],
    { ociVersion: '1.1.0', linux: { namespaces: [{ type: 'time' }], timeOffsets: { boottime: { secs: 10_000_000 } } } },
    'cat /proc/uptime',
    (seen) => Number(seen.split(' ')[0]) > 10_000_000,
    { needs: noTime, deviations: OLD },
  ),
  sees(
    ['time-namespace-none', TIME, 'a new time namespace without offsets has none'],
    { ociVersion: '1.1.0', linux: { namespaces: [{ type: 'time' }] } },
    'readlink /proc/self/ns/time; cat /proc/self/timens_offsets',
    (seen) => /monotonic +0 +0\nboottime +0 +0\n$/.test(seen) && !seen.startsWith(namespaceOf('self', 'time')),
    { needs: noTime, deviations: OLD },
  ),
  refuses(
    ['time-namespace-clock-unknown', TIME, 'a clock that the kernel has no offset for is an error'],
    { ociVersion: '1.1.0', linux: { namespaces: [{ type: 'time' }], timeOffsets: { realtime: { secs: 1 } } } },
    {
      needs: noTime,
      deviations: { crun: { seen: '1.21', unseen: '1.8.1', why: 'ignores a clock that it does not know' } },
    },
  ),
]
