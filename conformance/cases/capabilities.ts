/** config.md#linux-process: every set of capabilities. */
import { sees } from '../declare.ts'
import type { Case } from '../suite.ts'

const LINUX = 'config.md#linux-process'

const SETS = ['bounding', 'effective', 'inheritable', 'permitted', 'ambient'] as const

const FIELDS = {
  bounding: 'CapBnd',
  effective: 'CapEff',
  inheritable: 'CapInh',
  permitted: 'CapPrm',
  ambient: 'CapAmb',
}

/** Sets that one set needs: what is effective is permitted, what is ambient is permitted and inheritable. */
const NEEDS: Readonly<Record<string, readonly string[]>> = {
  bounding: [],
  permitted: ['bounding'],
  effective: ['bounding', 'permitted'],
  inheritable: ['bounding'],
  ambient: ['bounding', 'permitted', 'inheritable'],
}

export const CAPABILITIES: readonly Case[] = [
  ...SETS.map((set) =>
    sees(
      [`capabilities-${set}`, LINUX, `the ${set} set is as configured, and no other has more`],
      {
        process: {
          capabilities: Object.fromEntries(
            [set, ...(NEEDS[set] ?? [])].map((name) => [name, ['CAP_CHOWN', 'CAP_KILL']]),
          ),
          user: { uid: set === 'ambient' ? 1000 : 0 },
        },
      },
      'grep -E "^Cap" /proc/self/status',
      (seen) => {
        const has = (name: (typeof SETS)[number]) => new RegExp(`^${FIELDS[name]}:\\t(\\w+)$`, 'm').exec(seen)?.[1]
        const wanted = has(set) === '0000000000000021'
        // Who executes as root gets what is bounding; the rest has no more than configured.
        return wanted && SETS.every((name) => /^0+(21)?$/.test(has(name) ?? 'x'))
      },
    ),
  ),
  sees(
    ['capabilities-none', LINUX, 'without capabilities there are none'],
    { process: { capabilities: { bounding: [], effective: [], inheritable: [], permitted: [], ambient: [] } } },
    'grep -E "^Cap" /proc/self/status',
    /^CapInh:\t0+\nCapPrm:\t0+\nCapEff:\t0+\nCapBnd:\t0+\nCapAmb:\t0+\n$/,
  ),
  sees(
    ['capabilities-user', LINUX, 'a user that is not root has what is ambient, and nothing else'],
    {
      process: {
        user: { uid: 1000, gid: 1000 },
        capabilities: Object.fromEntries(
          SETS.map((set) => [set, set === 'ambient' ? ['CAP_KILL'] : ['CAP_KILL', 'CAP_CHOWN']]),
        ),
      },
    },
    'grep -E "^Cap(Eff|Prm|Amb)" /proc/self/status',
    /^CapPrm:\t0+20\nCapEff:\t0+20\nCapAmb:\t0+20\n$/,
  ),
]
