/** Whatever a valid configuration combines: its plan keeps the invariants and can be encoded. */
import { expect, test } from 'vitest'
import { encodeExact } from '../../../src/base/json.ts'
import { CAPABILITY_NAMES } from '../../../src/kernel/capabilities.ts'
import { knownMountOptions } from '../../../src/kernel/mount_options.ts'
import { RLIMITS } from '../../../src/kernel/rlimits.ts'
import { buildPlan } from '../../../src/plan/build.ts'
import { checkPlan } from '../../../src/plan/check.ts'
import { printPlan } from '../../../src/plan/print.ts'
import { checkRules } from '../../../src/spec/rules/check.ts'
import type { Mount, Spec } from '../../../src/spec/types.gen.ts'
import { validateFast } from '../../../src/spec/validate_fast.gen.ts'
import { encodePlan } from '../../../src/wire/encode.ts'
import { WIRE } from '../../../src/wire/ops.ts'
import { CGROUPS, CONFIG, FACTS, type Input, planInput, REQUEST } from './base.ts'

/** A seeded generator (mulberry32). */
class Chance {
  private state: number
  constructor(seed: number) {
    this.state = seed
  }
  number(limit: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % limit
  }
  yes(): boolean {
    return this.number(2) === 0
  }
  of<T>(items: readonly T[]): T {
    return items[this.number(items.length)] as T
  }
  some<T>(items: readonly T[], at = 3): T[] {
    return items.filter(() => this.number(at) === 0)
  }
  list<T>(limit: number, make: (i: number) => T): T[] {
    return Array.from({ length: this.number(limit) }, (_, i) => make(i))
  }
  /** An object with some of the entries. */
  part(all: object): object {
    return Object.fromEntries(this.some(Object.entries(all), 2))
  }
}

const PATHS = ['/', '/a', '/a/b', '/dev', '/dev/x', '/proc', '/proc/sys', '/sys', '/tmp/é', '/run/../etc', '//x//']
const BIND_OPTIONS = knownMountOptions().filter(
  (option) => !/sync|mand|lazytime|copyup|symlink|nofollow|idmap|remount/.test(option),
)
const LINK_OPTIONS = [['copy-symlink'], ['src-nofollow'], ['src-nofollow', 'dest-nofollow'], []]
const IDMAP_OPTIONS = ['idmap=uids=0-5-2;gids=0-6-1', 'ridmap=uids=0-5-2#7-9-1;gids=0-6-1']

function mount(chance: Chance): Mount {
  const destination = chance.of(PATHS)
  const options = chance.some(BIND_OPTIONS, 12)
  const plain = options.filter((option) => !/bind$/.test(option))
  if (chance.number(10) === 0) return { destination, options: [...plain, 'remount', chance.of(['bind', 'size=1m'])] }
  if (chance.yes()) {
    const inside = destination.startsWith('/proc') ? [] : chance.of(LINK_OPTIONS)
    const bind = [...options, ...inside, ...chance.some(IDMAP_OPTIONS, 5), 'rbind']
    return { destination, source: chance.of(['/src', 'rel']), options: bind }
  }
  const type = chance.of(['proc', 'tmpfs', 'sysfs', 'devpts', 'mqueue', 'cgroup', 'overlay'])
  const idmap = type === 'cgroup' ? [] : chance.some(IDMAP_OPTIONS, 5)
  const own = ['mode=755', 'size=1m', 'flag', ...(type === 'tmpfs' ? ['tmpcopyup'] : [])]
  return { destination, type, source: type, options: [...plain, ...idmap, ...chance.some(own)] }
}

const ASKING = { listenerPath: '/run/agent', syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' }] }

const hook = (chance: Chance) => ({
  path: '/bin/hook',
  ...chance.part({ args: ['hook', '', 'x y'], env: ['A=b', 'C='], timeout: 1 + chance.number(2 ** 32 - 1) }),
})

function namespaces(chance: Chance) {
  const types = chance.some(['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup', 'user', 'time'] as const, 2)
  return types.map((type) => (chance.number(5) === 0 ? { type, path: `/proc/9/ns/${type}` } : { type }))
}

function configuration(chance: Chance): Spec {
  const caps = () => chance.some(CAPABILITY_NAMES, 4)
  const map = [{ containerID: 0, hostID: 1000, size: 10 }]
  const spaces = namespaces(chance)
  const has = (type: string) => spaces.some((each) => each.type === type && !('path' in each))
  return {
    ...CONFIG,
    root: { path: chance.of(['rootfs', '/r', '/a/b/c']), readonly: chance.yes() },
    ...(has('uts') ? chance.part({ hostname: 'h', domainname: 'd' }) : {}),
    process: {
      cwd: chance.of(['/', '/w', '/proc/self/fd/9']),
      args: chance.of([['sh'], ['/bin/x', ''], ['./é', 'a b']]),
      ...chance.part({
        env: ['PATH=/a::b', 'X='],
        terminal: true,
        consoleSize: { height: 1, width: 2 },
        noNewPrivileges: true,
        oomScoreAdj: -7,
        user: chance.part({ uid: 4294967294, gid: 5, additionalGids: [0, 7], umask: 0o77 }),
        capabilities: chance.part({
          bounding: caps(),
          effective: caps(),
          permitted: caps(),
          inheritable: caps(),
          ambient: caps(),
        }),
        rlimits: chance.some(Object.keys(RLIMITS)).map((type) => ({ type, soft: 1, hard: 2n ** 64n - 1n })),
      }),
    },
    mounts: has('mount') ? chance.list(6, () => mount(chance)) : [],
    hooks: chance.part({
      prestart: chance.list(3, () => hook(chance)),
      createRuntime: chance.list(3, () => hook(chance)),
      createContainer: chance.list(3, () => hook(chance)),
      startContainer: chance.list(3, () => hook(chance)),
    }),
    linux: {
      namespaces: spaces,
      ...(has('user') ? { uidMappings: map, gidMappings: map } : {}),
      ...(has('time') ? { timeOffsets: { boottime: { secs: -1 } } } : {}),
      ...chance.part({
        seccomp: { defaultAction: 'SCMP_ACT_ERRNO', ...(chance.yes() ? ASKING : {}) },
        maskedPaths: chance.some(PATHS),
        readonlyPaths: chance.some(PATHS),
        rootfsPropagation: chance.of(['shared', 'rslave', 'private', 'runbindable']),
        cgroupsPath: chance.of(['/a/b', 'c']),
        sysctl: has('network') ? { 'net.core.somaxconn': '5' } : {},
        devices: [
          { path: '/dev/a/b', type: 'c', major: 7, minor: chance.number(2 ** 20) },
          ...chance.some([{ path: '/dev/null', type: 'b' as const, major: 4095, minor: 1, uid: 3 }]),
        ],
      }),
    },
  } as Spec
}

/** Without what takes privilege. */
function unmapped(of: Mount): Mount {
  return { ...of, options: of.options?.filter((option) => !IDMAP_OPTIONS.includes(option)) ?? [] }
}

function input(chance: Chance): Input {
  const root = chance.number(4) > 0
  const config = configuration(chance)
  return {
    config: root ? config : { ...config, mounts: config.mounts?.map(unmapped) ?? [] },
    facts: {
      ...FACTS,
      cgroup: chance.of(Object.values(CGROUPS)),
      initialUserns: chance.yes(),
      ...(root ? {} : { euid: 1000, egid: 1000, boundingCaps: '0', effectiveCaps: '0', mayMount: false }),
      ...chance.of([{}, { lastCap: 37, boundingCaps: '3fffffffff' }, { boundingCaps: 'a80425fb' }]),
    },
    request: {
      ...REQUEST,
      verb: chance.of(['create', 'run']),
      noPivot: chance.yes(),
      noNewKeyring: chance.yes(),
      preserveFds: chance.number(4),
      links: { rel: 'target' },
    },
  }
}

function needsPrivilege({ linux, process }: Spec, { effectiveCaps }: Input['facts']): boolean {
  const own = linux?.namespaces?.some(({ type }) => type === 'user')
  return linux?.seccomp !== undefined && !process?.noNewPrivileges && !own && effectiveCaps === '0'
}

const COUNT = 1500

test(`${COUNT} random configurations`, () => {
  let planned = 0
  for (let seed = 0; seed < COUNT; seed++) {
    const { config, facts, request } = input(new Chance(seed))
    // What the rules refuse never gets as far as a plan, nor a filter that could not be loaded.
    if (!validateFast(config) || checkRules(config).problems.length > 0 || needsPrivilege(config, facts)) continue
    planned++
    const plan = buildPlan(planInput({ config, facts, request }))
    try {
      checkPlan(plan)
      const fds = new Map(plan.presets.map(({ slot }, i) => [slot, 10 + i]))
      for (const arch of ['x64', 'arm64'] as const) {
        const { bytes, steps } = encodePlan(plan, fds, arch)
        expect(bytes.length % 8).toBe(0)
        expect(new DataView(bytes.buffer, bytes.byteOffset).getUint32(8, true)).toBe(bytes.length)
        expect(new Set(steps.init).size + new Set(steps.stage).size).toBeLessThanOrEqual(
          plan.init.length + plan.stage.length,
        )
      }
      expect(Math.max(...plan.presets.map(({ slot }) => slot))).toBeLessThan(WIRE.slots)
      expect(printPlan(plan)).not.toMatch(/undefined|NaN|\[object/)
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}\n${encodeExact(config)}`, { cause: error })
    }
  }
  console.log(`${planned} of ${COUNT} configurations are valid`)
  expect(planned).toBeGreaterThan(COUNT / 5)
})
