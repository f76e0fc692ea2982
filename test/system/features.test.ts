/** `davit features` is of the specification, and true: what it lists is taken, and what it denies is refused. */
import { Ajv } from 'ajv'
import { beforeAll, describe, expect, test } from 'vitest'
import { loadSchema } from '../../spec/schemas.ts'
import { bundle, type Config } from '../support/bundle.ts'
import { unknownMembers } from '../support/features.ts'
import { requires } from '../support/requires.ts'
import { davit, must } from '../support/runtime.ts'
import { OFFICIAL_IS_13, officialValidator } from '../unit/spec/official.ts'

// biome-ignore lint/suspicious/noExplicitAny: the document is what is tested.
let features: any

/** What validate says of a configuration, errors and warnings. */
async function said(change: (config: Config) => void): Promise<string[]> {
  const made = await bundle(change)
  const { stdout } = await davit(['validate', '--bundle', made.path, '--format', 'json'])
  const { errors, warnings } = JSON.parse(stdout)
  return [...errors, ...warnings].map(({ pointer, message }) => `${pointer}: ${message}`)
}

const NOT_DONE = /not supported by this version of davit|unknown|expected one of/

describe.runIf(requires('root'))('davit features', () => {
  beforeAll(async () => {
    features = JSON.parse(await must(['features']))
  })

  test('is of our schema, has nothing else, and leaves out nothing', () => {
    const schema = loadSchema('features.json')
    const validate = new Ajv({ strict: false }).compile(schema)
    expect(validate(features), JSON.stringify(validate.errors)).toBe(true)
    expect(unknownMembers(schema, features, schema)).toEqual([])
    expect(Object.keys(schema.properties ?? {}).filter((name) => !(name in features))).toEqual([])
    const linux = Object.keys(schema.definitions?.LinuxFeatures?.properties ?? {})
    expect(linux.filter((name) => !(name in features.linux))).toEqual([])
  })

  test.runIf(OFFICIAL_IS_13)('is of the official schema', () => {
    const validate = officialValidator('features-schema.json')
    expect(validate(features), JSON.stringify(validate.errors)).toBe(true)
  })

  test('names versions and hooks that are taken', async () => {
    for (const version of [features.ociVersionMin, features.ociVersionMax]) {
      const words = await said((config) => {
        Object.assign(config, { ociVersion: version })
        const hooks = features.hooks.map((kind: string) => [kind, [{ path: '/bin/true' }]])
        config.hooks = { ...Object.fromEntries(hooks), startContainer: [{ path: '/bin/true' }] }
      })
      expect(words).toEqual(['/hooks/prestart: prestart hooks are deprecated'])
    }
  })

  test('names mount options that are taken, and all that the specification demands', async () => {
    const { mountOptions } = features
    const words = await said((config) => {
      for (const option of mountOptions) {
        const bind = !['tmpcopyup', 'bind', 'rbind'].includes(option)
        config.mounts.push({
          destination: `/m/${option}`,
          type: 'tmpfs',
          source: '/tmp',
          options: bind ? ['rbind', option] : [option],
        })
      }
    })
    expect(words.filter((word) => NOT_DONE.test(word))).toEqual([])
    const demanded =
      `async atime bind defaults dev diratime dirsync exec iversion lazytime loud noatime nodev nodiratime
      noexec noiversion nolazytime norelatime nostrictatime nosuid private rbind relatime remount ro rprivate rshared
      rslave runbindable rw shared silent slave strictatime suid sync unbindable`.split(/\s+/)
    expect(demanded.filter((option) => !mountOptions.includes(option))).toEqual([])
  })

  test('names namespaces and capabilities that are taken, whatever this kernel has', async () => {
    const { namespaces, capabilities } = features.linux
    expect(namespaces.toSorted()).toEqual(['cgroup', 'ipc', 'mount', 'network', 'pid', 'time', 'user', 'uts'])
    expect(capabilities).toHaveLength(41)
    const words = await said((config) => {
      config.linux.namespaces = namespaces.map((type: string) => ({ type }))
      config.linux.uidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }]
      config.linux.gidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }]
      config.process.capabilities = { bounding: capabilities, effective: capabilities, permitted: capabilities }
    })
    expect(words.filter((word) => NOT_DONE.test(word))).toEqual([])
  })

  test('names words of seccomp that are taken', async () => {
    const { enabled, actions, operators, archs, knownFlags, supportedFlags } = features.linux.seccomp
    expect(enabled).toBe(true)
    expect(supportedFlags.filter((flag: string) => !knownFlags.includes(flag))).toEqual([])
    const words = await said((config) => {
      const syscalls = actions.map((action: string) => ({ names: ['mkdir'], action }))
      const args = operators.map((op: string) => ({ index: 0, value: 1, op }))
      config.linux.seccomp = {
        defaultAction: 'SCMP_ACT_ALLOW',
        architectures: archs,
        flags: knownFlags,
        listenerPath: '/run/agent',
        syscalls: [...syscalls, { names: ['chdir'], action: 'SCMP_ACT_ERRNO', args }],
      }
    })
    expect(words.filter((word) => /expected one of/.test(word))).toEqual([])
  })

  test('names memory policies that are taken', async () => {
    const { modes, flags } = features.linux.memoryPolicy
    for (const mode of modes) {
      const nodes = /DEFAULT|LOCAL/.test(mode) ? {} : { nodes: '0' }
      const words = await said((config) => Object.assign(config.linux, { memoryPolicy: { mode, ...nodes } }))
      expect(
        words.filter((word) => NOT_DONE.test(word)),
        mode,
      ).toEqual([])
    }
    for (const flag of flags) {
      const words = await said((config) =>
        Object.assign(config.linux, { memoryPolicy: { mode: 'MPOL_BIND', nodes: '0', flags: [flag] } }),
      )
      expect(
        words.filter((word) => NOT_DONE.test(word)),
        flag,
      ).toEqual([])
    }
  })

  test('tells the truth about what is there or not', async () => {
    const map = [{ containerID: 0, hostID: 100000, size: 1 }]
    const uses: readonly (readonly [enabled: boolean, change: (config: Config) => void])[] = [
      [features.linux.netDevices.enabled, (config) => Object.assign(config.linux, { netDevices: { lo2: {} } })],
      [features.linux.intelRdt.enabled, (config) => Object.assign(config.linux, { intelRdt: { closID: 'x' } })],
      [
        features.linux.intelRdt.schemata,
        (config) => Object.assign(config.linux, { intelRdt: { schemata: ['L3:0=f'] } }),
      ],
      [
        features.linux.intelRdt.monitoring,
        (config) => Object.assign(config.linux, { intelRdt: { enableMonitoring: true } }),
      ],
      [
        features.linux.mountExtensions.idmap.enabled,
        (config) =>
          void config.mounts.push({
            destination: '/m',
            source: '/tmp',
            options: ['bind', 'idmap'],
            uidMappings: map,
            gidMappings: map,
          }),
      ],
      [features.linux.apparmor.enabled, (config) => Object.assign(config.process, { apparmorProfile: 'x' })],
      [features.linux.selinux.enabled, (config) => Object.assign(config.process, { selinuxLabel: 'x' })],
    ]
    for (const [index, [enabled, change]] of uses.entries()) {
      const words = await said(change)
      // What the machine has not is another matter.
      expect(
        words.every((word) => !/by this version of davit/.test(word)),
        `${index}: ${words}`,
      ).toBe(enabled)
    }
    const made = await bundle()
    const { code, stderr } = await davit(['--systemd-cgroup', 'create', '--bundle', made.path, made.id])
    expect(code === 0 || !/by this version of davit/.test(stderr)).toBe(features.linux.cgroup.systemd)
    const checkpoint = await davit(['checkpoint', '--help'])
    expect(checkpoint.code === 0).toBe(features.annotations['org.opencontainers.runc.checkpoint.enabled'] === 'true')
  })
})
