/** config.md#posix-process: every limit. */
import { refuses } from '../declare.ts'
import { ofProcess, pidOf, statusOf } from '../look.ts'
import { type Case, expect, HostCannot } from '../suite.ts'

const POSIX = 'config.md#posix-process'

const limit = (name: string, soft: number, hard: number) => ({
  process: { rlimits: [{ type: `RLIMIT_${name}`, soft, hard }] },
})

const LIMITS: readonly (readonly [name: string, label: string])[] = [
  ['AS', 'Max address space'],
  ['CORE', 'Max core file size'],
  ['CPU', 'Max cpu time'],
  ['DATA', 'Max data size'],
  ['FSIZE', 'Max file size'],
  ['LOCKS', 'Max file locks'],
  ['MEMLOCK', 'Max locked memory'],
  ['MSGQUEUE', 'Max msgqueue size'],
  ['NICE', 'Max nice priority'],
  ['NOFILE', 'Max open files'],
  ['NPROC', 'Max processes'],
  ['RSS', 'Max resident set'],
  ['RTPRIO', 'Max realtime priority'],
  ['RTTIME', 'Max realtime timeout'],
  ['SIGPENDING', 'Max pending signals'],
  ['STACK', 'Max stack size'],
]

/** CAP_SYS_RESOURCE */
const mayRaise = () => ((BigInt(`0x${statusOf(process.pid, 'CapEff')}`) >> 24n) & 1n) === 1n

export const RLIMITS: readonly Case[] = [
  ...LIMITS.map(
    ([name, label]): Case => ({
      id: `rlimit-${name.toLowerCase()}`,
      clause: POSIX,
      asks: `RLIMIT_${name} can be read back as it was configured`,
      covers: ['config-rlimits-03', 'config-rlimits-05', 'config-rlimits-07'],
      test(subject) {
        // Within the limits of the suite itself: more takes a capability that the host may not grant.
        const own = new RegExp(`^${label} +(\\S+) +(\\S+)`, 'm').exec(ofProcess(process.pid, 'limits'))
        if (!own) throw new HostCannot(`no ${label} in /proc/self/limits`)
        const most = own[2] === 'unlimited' ? 1 << 30 : Number(own[2])
        // None at all is what a runtime that sets nothing leaves, too.
        if (most === 0 && !mayRaise()) throw new HostCannot(`${label} is 0, and may not be raised`)
        const [soft, hard] = most === 0 ? [10, 20] : [Math.floor(most / 2), most]
        const bundle = subject.bundle('sleep 100', (config) => {
          Object.assign(config.process ?? {}, limit(name, soft, hard).process)
        })
        subject.run(bundle)
        const text = subject.kernel(`/proc/${pidOf(subject, bundle.id)}/limits`)
        const line = new RegExp(`^${label}.*$`, 'm').exec(text)?.[0] ?? ''
        expect(
          new RegExp(`^${label} +${soft} +${hard} `).test(line),
          `${JSON.stringify(line)}, expected ${soft} ${hard}`,
        )
      },
    }),
  ),
  refuses(['rlimit-soft-above-hard', POSIX, 'a soft limit above the hard one is an error'], limit('NOFILE', 20, 10), {
    late: true,
  }),
]
