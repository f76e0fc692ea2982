/** config.md: users, groups, the OOM score, arguments and environment. */
import { readFileSync } from 'node:fs'
import { refuses, sees } from '../declare.ts'
import { pidOf } from '../look.ts'
import { type Case, expectSame } from '../suite.ts'
import { CAPABILITIES } from './capabilities.ts'
import { PERSONALITIES, POLICIES } from './policies.ts'
import { RLIMITS } from './rlimits.ts'
import { SCHEDULING } from './scheduling.ts'

const POSIX = 'config.md#posix-process'
const LINUX = 'config.md#linux-process'
const USER = 'config.md#posix-platform-user'

const IDENTITY: readonly Case[] = [
  sees(
    ['user-groups-none', USER, 'without additionalGids there are no other groups than gid'],
    { process: { user: { uid: 5, gid: 6 } } },
    'grep Groups /proc/self/status',
    /^Groups:\t *(6 )?\n$/,
  ),
  sees(
    ['user-high', USER, 'the highest ids work'],
    { process: { user: { uid: 4294967294, gid: 4294967294 } } },
    'grep -E "^(Uid|Gid)" /proc/self/status',
    /^Uid:(\t4294967294){4}\nGid:(\t4294967294){4}\n$/,
    { deviations: { runc: { seen: '1.1.5', why: 'takes ids up to 2147483647 only' } } },
  ),
  refuses(['user-negative', USER, 'a negative id is an error'], { process: { user: { uid: -1 } } }, { late: true }),
  refuses(
    ['user-too-high', USER, 'an id above 32 bits is an error, and does not wrap around to root'],
    { process: { user: { uid: 4294967296 } } },
    { late: true },
  ),
  {
    id: 'process-oom-score-unset',
    clause: LINUX,
    asks: 'without oomScoreAdj the value MUST NOT be changed',
    covers: ['config-oom-02'],
    test(subject) {
      const bundle = subject.bundle('cat /proc/self/oom_score_adj >/seen; sleep 100')
      const own = readFileSync('/proc/self/oom_score_adj', 'utf8')
      subject.run(bundle)
      expectSame(subject.kernel(`/proc/${pidOf(subject, bundle.id)}/oom_score_adj`), own, 'oom_score_adj')
    },
  },
  refuses(
    ['process-oom-score-out-of-range', LINUX, 'what the kernel does not take is an error'],
    { process: { oomScoreAdj: 1001 } },
    { late: true },
  ),
  sees(
    [
      'process-env-odd',
      POSIX,
      'the environment is handed on as it is: empty values, equals signs, spaces, other scripts',
    ],
    { process: { env: ['EMPTY=', 'EQ==a=b', 'SP= x ', 'UNI=Grüße'] } },
    'echo "[$EMPTY][$EQ][$SP][$UNI]"',
    /^\[\]\[=a=b\]\[ x \]\[Grüße\]\n$/,
  ),
  {
    id: 'process-args-odd',
    clause: POSIX,
    asks: 'arguments are handed on as they are: empty, with spaces, lines, dashes',
    test(subject) {
      const odd = ['', ' x ', 'one\ntwo', '--help', '-c', '"$HOME"', 'Grüße']
      const bundle = subject.bundle('true', (config) => {
        if (config.process)
          config.process.args = ['/bin/sh', '-c', 'for a; do echo "[$a]"; done >/seen; echo end >>/seen', 'sh', ...odd]
      })
      subject.run(bundle)
      subject.await(bundle.id, 'stopped')
      expectSame(bundle.read('seen'), `${odd.map((one) => `[${one}]\n`).join('')}end\n`, 'arguments')
    },
  },
]

export const PROCESS_MORE: readonly Case[] = [
  ...CAPABILITIES,
  ...RLIMITS,
  ...IDENTITY,
  ...SCHEDULING,
  ...POLICIES,
  ...PERSONALITIES,
]
