/** Capabilities and users of a process of a container. */
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { within } from '../host.ts'
import { pidOf, statusOf } from '../look.ts'
import { type Case, expect, expectSame } from '../suite.ts'

const flaw = (ids: string) => `published flaw: ${ids}`
const WRAPS = 'numbers above 32 bits wrap around'

/** A lone number of crun's `exec --user`, whatever else is in it. */
const LONE = {
  crun: { versions: '>=1.19 <1.27', why: 'takes a user that is a number alone for root (CVE-2026-30892)' },
}

/** What older runtimes take for root. */
const MISREAD: Readonly<Record<string, NonNullable<Case['deviations']>>> = {
  ':2': { crun: { versions: '<1.27', why: 'has the flaw CVE-2026-30892' } },
  '-1': { crun: { versions: '<1.27', why: 'has the flaw CVE-2026-30892' } },
  ...Object.fromEntries(['1', '01', '4294967297', ' 1', '+1'].map((user) => [user, LONE])),
  '4294967296': { runc: { versions: '<1.2', why: WRAPS }, crun: { versions: '<1.27', why: WRAPS } },
}

const ROOT = /^Uid:\t0\t/m

export const CREDENTIALS: readonly Case[] = [
  {
    id: 'security-capabilities-exec',
    clause: flaw('CVE-2022-29162, CVE-2022-24769, CVE-2022-27650'),
    asks: 'exec --cap makes nothing inheritable',
    test(subject) {
      const bundle = subject.bundle('sleep 100', (config) => {
        const names = ['CAP_KILL']
        Object.assign(config.process ?? {}, { capabilities: { bounding: names, effective: names, permitted: names } })
      })
      subject.run(bundle)
      const { stdout } = subject.must(
        'exec',
        '--cap',
        'CAP_NET_RAW',
        bundle.id,
        '/bin/sh',
        '-c',
        'grep CapInh /proc/self/status',
      )
      expectSame(stdout, 'CapInh:\t0000000000000000\n', 'inheritable capabilities')
      expectSame(statusOf(pidOf(subject, bundle.id), 'CapInh'), '0000000000000000', 'those of the first process')
    },
  },
  {
    id: 'security-capabilities-spec',
    clause: flaw('CVE-2022-29162, CVE-2025-27612'),
    asks: 'the template of a configuration has no inheritable capabilities',
    test(subject) {
      const folder = join(subject.bundle('true').path, 'template')
      mkdirSync(folder)
      const { ok, stderr } = subject.callAs({ cwd: folder }, 'spec')
      expect(ok, `spec failed: ${stderr}`)
      const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as {
        process: { capabilities: Record<string, string[]> }
      }
      expectSame(config.process.capabilities.inheritable ?? [], [], 'inheritable capabilities')
    },
  },
  {
    id: 'security-capabilities-none',
    clause: flaw('CVE-2022-29162'),
    asks: 'without capabilities in config.json, the process has none',
    test(subject) {
      const bundle = subject.bundle('sleep 100')
      subject.run(bundle)
      const pid = pidOf(subject, bundle.id)
      within(() => statusOf(pid, 'CapEff') === '0000000000000000')
      for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
        expectSame(statusOf(pid, set), '0000000000000000', set)
    },
  },
  ...['1', '1:', '1:2', ':2', '01', '-1', '4294967296', '4294967297', '1x', ' 1', '+1', '0x1', '1.0', '1e0'].map(
    (user): Case => ({
      id: `security-user-${user.replace(/\W/g, (letter) => `_${letter.charCodeAt(0)}`)}`,
      clause: flaw('CVE-2026-30892, CVE-2026-46680'),
      asks: `exec --user ${JSON.stringify(user)} is the user that it names, or refused; never root by mistake`,
      deviations: MISREAD[user] ?? {},
      test(subject) {
        const bundle = subject.bundle('sleep 100', (config) =>
          Object.assign(config.process?.user ?? {}, { uid: 7, gid: 7 }),
        )
        subject.run(bundle)
        const { ok, stdout } = subject.call(
          'exec',
          `--user=${user}`,
          bundle.id,
          '/bin/sh',
          '-c',
          'grep Uid /proc/self/status',
        )
        if (ok) expect(!ROOT.test(stdout), `the process is root: ${stdout}`)
        if (ok && ['1', '1:2', '01'].includes(user)) expect(/^Uid:\t1\t1\t1\t1$/m.test(stdout), stdout)
        if (!ok) expect(!['1', '1:2'].includes(user), 'a valid user was refused')
      },
    }),
  ),
]
