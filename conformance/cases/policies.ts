/** config-linux.md: memory policy and personality. */
import { existsSync } from 'node:fs'
import { refuses, sees } from '../declare.ts'
import type { Case } from '../suite.ts'

const V13 = {
  runc: { versions: '<1.4', why: 'does not know it (specification 1.3)' },
  crun: { versions: '<1.24', why: 'does not know it (specification 1.3)' },
}

/** A mode that is the default all the same. */
const REFUSED = { crun: { versions: '<1.14.2', why: 'does not know specification 1.3, and refuses what asks for it' } }

/** It was ignored by those that no longer looked at ociVersion. */
const IGNORED = { runc: V13.runc, crun: { versions: '>=1.14.2 <1.24', why: V13.crun.why } }

const MEMPOLICY = 'config-linux.md#memory-policy'

const noNuma = () => (existsSync('/proc/self/numa_maps') ? undefined : 'no NUMA (CONFIG_NUMA)')

export const POLICIES: readonly Case[] = [
  ...(
    [
      ['MPOL_BIND', { nodes: '0' }, /\bbind:0 /],
      ['MPOL_INTERLEAVE', { nodes: '0' }, /\binterleave:0 /],
      ['MPOL_PREFERRED', { nodes: '0' }, /\bprefer:0 /],
      ['MPOL_LOCAL', {}, /\blocal /],
      ['MPOL_DEFAULT', {}, /\bdefault /],
      ['MPOL_BIND', { nodes: '0', flags: ['MPOL_F_STATIC_NODES'] }, /\bbind=static:0 /],
    ] as const
  ).map(([mode, more, wanted]) =>
    sees(
      [
        `memory-policy-${mode.slice(5).toLowerCase()}${'flags' in more ? '-static' : ''}`,
        MEMPOLICY,
        `mode ${mode} is that of the process`,
        'features-linux-memory-policy-01',
      ],
      { ociVersion: '1.3.0', linux: { memoryPolicy: { mode, ...more } } },
      'cat /proc/self/numa_maps',
      wanted,
      { needs: noNuma, deviations: mode === 'MPOL_DEFAULT' ? REFUSED : V13 },
    ),
  ),
  refuses(
    ['memory-policy-unknown', MEMPOLICY, 'a mode that does not exist is an error'],
    { ociVersion: '1.3.0', linux: { memoryPolicy: { mode: 'MPOL_NOSUCH' } } },
    { late: true, deviations: IGNORED },
  ),
  refuses(
    ['memory-policy-nodes-missing', MEMPOLICY, 'MPOL_BIND without nodes is an error'],
    { ociVersion: '1.3.0', linux: { memoryPolicy: { mode: 'MPOL_BIND' } } },
    { late: true, deviations: IGNORED },
  ),
  refuses(
    ['memory-policy-mode-missing', MEMPOLICY, 'mode is required', 'linux-memory-policy-01'],
    { ociVersion: '1.3.0', linux: { memoryPolicy: { nodes: '0' } } },
    { late: true, deviations: IGNORED },
  ),
]

const PERSONALITY = 'config-linux.md#personality'

export const PERSONALITIES: readonly Case[] = [
  sees(
    ['personality-linux32', PERSONALITY, 'domain LINUX32 is that of the process'],
    { linux: { personality: { domain: 'LINUX32' } } },
    'busybox uname -m',
    /^(i686|armv\w+)\n$/,
    {
      deviations: { runc: { versions: '<1.2', why: 'does not know personality' } },
      needs: () => (['x64', 'arm64'].includes(process.arch) ? undefined : 'no 32-bit personality'),
    },
  ),
  sees(
    ['personality-linux', PERSONALITY, 'domain LINUX is that of the process'],
    { linux: { personality: { domain: 'LINUX' } } },
    'cat /proc/self/personality',
    /^00000000\n$/,
  ),
  refuses(
    ['personality-unknown', PERSONALITY, 'a domain that does not exist is an error'],
    { linux: { personality: { domain: 'SOLARIS' } } },
    { late: true, deviations: { runc: { versions: '<1.2', why: 'does not know personality' } } },
  ),
  refuses(
    ['personality-domain-missing', PERSONALITY, 'domain is required', 'linux-personality-01'],
    { linux: { personality: {} } },
    { late: true, deviations: { runc: { versions: '<1.2', why: 'does not know personality' } } },
  ),
]
