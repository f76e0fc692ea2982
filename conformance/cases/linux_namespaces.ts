/** config-linux.md#namespaces: new, inherited, joined, refused. */
import { existsSync, readlinkSync } from 'node:fs'
import { Instead, refuses, sees } from '../declare.ts'
import type { Case } from '../suite.ts'

const NS = 'config-linux.md#namespaces'

const kernelHas = (path: string) => () => (existsSync(path) ? undefined : `no ${path}`)

export const NAMESPACES: readonly Case[] = [
  ...['pid', 'mnt', 'ipc', 'uts', 'net'].map((name) =>
    sees(
      [
        `namespace-new-${name}`,
        NS,
        `without a path a new ${name} namespace is made`,
        'linux-namespaces-06',
        'linux-namespaces-02',
      ],
      {},
      `ns=$(readlink /proc/self/ns/${name}); [ "$ns" != "${readlinkSync(`/proc/self/ns/${name}`)}" ] && echo new`,
      /^new\n$/,
    ),
  ),
  sees(
    ['namespace-inherited', NS, 'a type that is not listed is the runtime’s own', 'linux-namespaces-07'],
    {},
    'readlink /proc/self/ns/user',
    (seen) => seen.trim() === readlinkSync('/proc/self/ns/user'),
  ),
  sees(
    ['namespace-path', NS, 'the process is put into the namespace at path', 'linux-namespaces-04'],
    {
      linux: {
        namespaces: new Instead([
          { type: 'network', path: `/proc/${process.pid}/ns/net` },
          ...['pid', 'mount', 'ipc', 'uts'].map((type) => ({ type })),
        ]),
      },
    },
    'readlink /proc/self/ns/net',
    (seen) => seen.trim() === readlinkSync('/proc/self/ns/net'),
  ),
  refuses(
    ['namespace-twice', NS, 'a type listed twice is an error', 'linux-namespaces-08'],
    { linux: { namespaces: [{ type: 'pid' }] } },
    {
      deviations: {
        crun: { versions: '<1.18', why: 'collects types as bits, and does not see that one is there twice' },
      },
    },
  ),
  refuses(['namespace-unknown', NS, 'a type that is none is an error', 'config-valid-01'], {
    linux: { namespaces: [{ type: 'nosuch' }] },
  }),
  refuses(['namespace-path-type', NS, 'a path of another type is an error', 'linux-namespaces-05'], {
    linux: { namespaces: [{ type: 'cgroup', path: '/proc/self/ns/uts' }] },
  }),
  refuses(['namespace-path-relative', NS, 'a path is absolute', 'linux-namespaces-03'], {
    linux: { namespaces: [{ type: 'cgroup', path: 'proc/self/ns/cgroup' }] },
  }),
  sees(
    [
      'user-namespace',
      'config-linux.md#user-namespace-mappings',
      'ids are mapped as configured',
      'runtime-lifecycle-01',
    ],
    {
      linux: {
        namespaces: [{ type: 'user' }],
        uidMappings: [{ containerID: 0, hostID: 0, size: 5000 }],
        gidMappings: [{ containerID: 0, hostID: 0, size: 6000 }],
      },
    },
    'cat /proc/self/uid_map /proc/self/gid_map',
    /^ *0 +0 +5000\n *0 +0 +6000\n$/,
  ),
  sees(
    [
      'time-namespace',
      'config-linux.md#offset-for-time-namespace',
      'clocks of a new time namespace are set',
      'runtime-lifecycle-01',
    ],
    {
      ociVersion: '1.1.0',
      linux: { namespaces: [{ type: 'time' }], timeOffsets: { boottime: { secs: 4321, nanosecs: 0 } } },
    },
    'cat /proc/self/timens_offsets',
    /boottime +4321 +0\n/,
    {
      needs: kernelHas('/proc/self/ns/time'),
      deviations: {
        crun: {
          versions: '<1.8.4',
          why: 'cannot make one: its helper has ended when the offsets are to be written (EPIPE)',
        },
        runc: { versions: '<1.2', why: 'does not know time namespaces, and says so' },
      },
    },
  ),
]
