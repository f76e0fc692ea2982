/** Files that others write: accounts of an image, what the kernel tells, images of checkpoints, compiled filters. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { cgroupFacts, parseCgroupMounts, parseOwnCgroups } from '../../src/host/cgroup/parse.ts'
import { keyed, numberList, one, pressure } from '../../src/host/cgroup/stats_parse.ts'
import { errorLines } from '../../src/host/criu/log.ts'
import { cacheFile, cacheKey, cacheName, readCached } from '../../src/host/seccomp/cache.ts'
import { resolveUser, withHome } from '../../src/plan/accounts.ts'
import { streamFds } from '../../src/plan/criu/streams.ts'
import { schemataSay } from '../../src/plan/intel_rdt.ts'
import { mutateText } from './mutate.ts'
import type { Random } from './random.ts'
import { checkError, type Target } from './target.ts'

type Input = readonly [kind: keyof typeof KINDS, ...texts: string[]]

interface Kind {
  /** Texts to start from. */
  readonly seeds: readonly (readonly string[])[]
  readonly check: (...texts: string[]) => void
}

const PASSWD = 'root:x:0:0:root:/root:/bin/sh\nbin:x:1:1::/:\nu:x:1000:1000:U,,,:/home/u:/bin/sh\n'
const GROUP = 'root:x:0:\nusers:x:100:u,root\nwheel:x:10:u\n'
const MOUNTINFO = [
  '24 1 0:22 / /sys/fs/cgroup rw,nosuid shared:4 - tmpfs tmpfs rw',
  '25 24 0:23 / /sys/fs/cgroup/unified rw shared:5 - cgroup2 cgroup2 rw,nsdelegate',
  '26 24 0:24 /a\\040b /sys/fs/cgroup/cpu,cpuacct rw shared:6 master:1 - cgroup cgroup rw,cpu,cpuacct',
].join('\n')

/** An id or name is within what the kernel has. */
function checkId(id: number | undefined): void {
  if (id !== undefined && !(Number.isInteger(id) && id >= 0 && id < 2 ** 32 - 1)) throw new Error(`the id ${id}`)
}

const EMPTY = { info() {}, warning() {}, debug() {} }
const PROFILE = { defaultAction: 'SCMP_ACT_ALLOW' } as const
const PROGRAM = Buffer.from('060000000000ff7f', 'hex')

/** A compiled filter as it is kept, its bytes as Latin-1. */
const keptFilter = () => Buffer.from(cacheFile(cacheKey(PROFILE, 'x64', false), '/bin/sh', PROGRAM)).toString('latin1')

const KINDS = {
  accounts: {
    seeds: [
      ['u:users', PASSWD, GROUP],
      ['1000', PASSWD, GROUP],
      ['bin', PASSWD, ''],
    ],
    check(user = '', passwd = '', group = '') {
      const env = withHome(['PATH=/bin'], 1000, () => passwd)
      if (env.length !== 2 || env.some((entry) => entry.includes('\0'))) throw new Error(`the environment ${env}`)
      const { uid, gid, additionalGids = [] } = resolveUser(user, { passwd: () => passwd, group: () => group })
      for (const id of [uid, gid, ...additionalGids]) checkId(id)
    },
  },
  cgroups: {
    seeds: [[MOUNTINFO, '0::/u/x\n4:cpu,cpuacct:/a b/c:d\n1:name=systemd:/\n', 'memory pids']],
    check(mountinfo = '', own = '', controllers = '') {
      const facts = cgroupFacts(parseCgroupMounts(mountinfo), parseOwnCgroups(own), () => controllers.split(' '))
      for (const { own: path } of [...facts.v1, ...(facts.v2 ? [facts.v2] : [])])
        if (`${path}/`.includes('/../')) throw new Error(`a cgroup that climbs: ${path}`)
    },
  },
  numbers: {
    seeds: [
      ['0-3,7'],
      ['max\n'],
      ['anon 123\nfile 9\n'],
      ['some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=1.5 avg60=0.00 avg300=0.00 total=7\n'],
    ],
    check(text = '') {
      one(text)
      keyed(text)
      pressure(text)
      if ((numberList(text) ?? []).some((number) => !Number.isInteger(number))) throw new Error('a number that is none')
    },
  },
  streams: {
    seeds: [['["pipe:[12]","socket:[7]","file[1f:2a]"]']],
    check(text = '') {
      for (const { key, fd } of streamFds(text))
        if (!/^[\w:[\]]+$/.test(key) || fd < 0 || fd > 2) throw new Error(`the stream ${fd}: ${key}`)
    },
  },
  criuLog: {
    seeds: [["(00.01) Error (criu/files.c:12): Can't open\n(00.02) 12: Error (x): again\n"]],
    check(text = '') {
      const lines = errorLines(text)
      if (lines.length > 3 || /\p{Cc}/u.test(lines.join(''))) throw new Error(JSON.stringify(lines))
    },
  },
  schemata: {
    seeds: [['L3:0=ff;1=f\nMB:0=100\n', 'L3:0=0ff']],
    check(text = '', line = '') {
      schemataSay(text, line)
    },
  },
  filter: {
    seeds: [[keptFilter()]],
    check(bytes = '') {
      const folder = mkdtempSync(`${tmpdir()}/davit-fuzz-`)
      try {
        const key = cacheKey(PROFILE, 'x64', false)
        writeFileSync(`${folder}/${cacheName(key)}`, Buffer.from(bytes, 'latin1'), { mode: 0o600 })
        const program = readCached(folder, key, EMPTY)
        if (program && (program.length === 0 || program.length % 8 > 0)) throw new Error(`${program.length} bytes`)
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    },
  },
} as const satisfies Readonly<Record<string, Kind>>

function make(random: Random, corpus: readonly Input[]): Input {
  if (corpus.length > 0 && random.oneIn(5)) return changed(random.pick(corpus), random)
  const kind = random.pick(Object.keys(KINDS) as (keyof typeof KINDS)[])
  const { seeds } = KINDS[kind] as Kind
  return changed([kind, ...random.pick(seeds)], random)
}

function changed([kind, ...texts]: Input, random: Random): Input {
  const at = random.below(texts.length)
  return [kind, ...texts.map((text, i) => (i === at ? mutateText(text, random) : text))]
}

function run([kind, ...texts]: Input): string {
  try {
    const { check }: Kind = KINDS[kind]
    check(...texts)
    return kind
  } catch (error) {
    checkError(error)
    return `${kind}, refused`
  }
}

export const FILES_TARGET: Target<Input> = { name: 'files', make, run }
