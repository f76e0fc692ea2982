/**
 * Arbitrary configurations, made from the schema of config.json itself, so that a new field is in them at once. Words
 * that have a meaning are drawn from tables by their place; what the rules refuse all the same is taken out again.
 */
import fc from 'fast-check'
import { encodeExact } from '../../../src/base/json.ts'
import { parsePointer } from '../../../src/base/pointer.ts'
import { CAPABILITY_NAMES } from '../../../src/kernel/capabilities.ts'
import { knownMountOptions } from '../../../src/kernel/mount_options.ts'
import { RLIMITS } from '../../../src/kernel/rlimits.ts'
import type { SchemaNode } from '../../../src/spec/describe.ts'
import { checkRules } from '../../../src/spec/rules/check.ts'
import { childSchema, configSchema, schemaAt } from '../../../src/spec/schema.ts'
import type { Spec } from '../../../src/spec/types.gen.ts'
import { type Json, withPlace } from '../spec/configs.ts'

const PATHS = ['/', '/a', '/a/b', '/dev', '/dev/x', '/proc', '/proc/sys', '/sys', '/tmp/é', '/run/../etc', '//x//']
const LISTS = ['0', '0-1', '0,2-3', '']
const TYPES = ['proc', 'tmpfs', 'sysfs', 'devpts', 'mqueue', 'cgroup', 'cgroup2', 'overlay', 'ext4', 'bind', 'none']
const ENV = ['PATH=/a::b', 'X=', 'A=b', 'HOME=/root']

/** By place; `*` is any index or key, a key of a map is told by `/key`. */
const WORDS: readonly (readonly [place: RegExp, words: readonly string[]])[] = [
  [/^\/ociVersion$/, ['1.0.0', '1.2.1', '1.3.0', '1.99.0-x+y']],
  [/^\/root\/path$/, ['rootfs', '/r', '/a/b/c']],
  [/^\/mounts\/\*\/destination$/, [...PATHS, 'rel']],
  [/^\/mounts\/\*\/source$/, ['/src', 'rel', 'tmpfs']],
  [/^\/mounts\/\*\/type$/, TYPES],
  [/^\/mounts\/\*\/options\/\*$/, [...knownMountOptions(), 'bind', 'rbind', 'rbind', 'mode=755', 'size=1m', 'x']],
  [/^\/process\/cwd$/, PATHS],
  [/^\/process\/args\/\*$/, ['sh', '/bin/x', './é', 'a b']],
  [/\/env\/\*$/, ENV],
  [/^\/process\/capabilities\//, CAPABILITY_NAMES],
  [/^\/process\/rlimits\/\*\/type$/, Object.keys(RLIMITS)],
  [/^\/process\/execCPUAffinity\//, LISTS],
  [/^\/hooks\/\w+\/\*\/path$/, ['/bin/hook', '/h']],
  [/^\/annotations\/key$/, ['com.example.a', 'run.oci.x', 'plain', '__proto__', 'a/b~c']],
  [/^\/(hostname|domainname)$/, ['box', '', 'a.b']],
  [/^\/linux\/namespaces\/\*\/path$/, ['', '/proc/9/ns/x']],
  [/^\/linux\/devices\/\*\/path$/, ['/dev/null', '/dev/a/b', '/x', '/dev/fuse']],
  [/^\/linux\/netDevices\/key$/, ['eth0', 'eth1', 'x%d']],
  [/^\/linux\/netDevices\/\*\/name$/, ['net0', 'net%d', '']],
  [/^\/linux\/cgroupsPath$/, ['/a/b', 'c', 'system.slice:davit:x', '']],
  [/^\/linux\/resources\/devices\/\*\/type$/, ['a', 'b', 'c', '']],
  [/^\/linux\/resources\/devices\/\*\/access$/, ['rwm', 'r', 'wm']],
  [/^\/linux\/resources\/cpu\//, LISTS],
  [/^\/linux\/resources\/unified\/key$/, ['memory.high', 'cpu.weight', 'io.max', 'hugetlb.2MB.max']],
  [/^\/linux\/resources\/rdma\/key$/, ['mlx5_1', 'rxe3']],
  [/^\/linux\/sysctl\/key$/, ['net.core.somaxconn', 'net/ipv4/ip_forward', 'kernel.shmmax', 'fs.mqueue.msg_max']],
  [/^\/linux\/seccomp\/listenerPath$/, ['/run/agent']],
  [/^\/linux\/seccomp\/syscalls\/\*\/names\/\*$/, ['read', 'mkdir', 'no_such_call']],
  [/^\/linux\/intelRdt\/closID$/, ['/', 'class']],
  [/^\/linux\/intelRdt\/l3CacheSchema$/, ['L3:0=f']],
  [/^\/linux\/memoryPolicy\/nodes$/, LISTS],
  [/^\/linux\/(masked|readonly)Paths\/\*$/, PATHS],
]

function words(place: string): fc.Arbitrary<string> | undefined {
  const found = WORDS.find(([pattern]) => pattern.test(place))
  return found && fc.constantFrom(...found[1])
}

function integer(schema: SchemaNode): fc.Arbitrary<number | bigint> {
  const { minimum = 0, maximum = 2 ** 32 } = schema
  const { MIN_SAFE_INTEGER, MAX_SAFE_INTEGER } = Number
  if (maximum > MAX_SAFE_INTEGER) {
    // Exact at the top, which a double is not.
    const range = { min: minimum < 0 ? -(2n ** 63n) : 0n, max: minimum < 0 ? 2n ** 63n - 1n : 2n ** 64n - 1n }
    const wide = fc.oneof(fc.bigInt(range), fc.constantFrom(range.min, range.max)).map((value) => {
      return Number.isSafeInteger(Number(value)) ? Number(value) : value
    })
    const safe = integer({ ...schema, minimum: Math.max(minimum, MIN_SAFE_INTEGER), maximum: MAX_SAFE_INTEGER })
    return fc.oneof({ arbitrary: safe, weight: 6 }, { arbitrary: wide, weight: 1 })
  }
  const [low, high] = [minimum, maximum]
  const small = fc.integer({ min: Math.max(low, -2), max: Math.min(high, 200) })
  return fc.oneof(
    { arbitrary: small, weight: 6 },
    { arbitrary: fc.maxSafeInteger().map((n) => Math.min(high, Math.max(low, n))), weight: 1 },
    { arbitrary: fc.constantFrom(minimum, maximum), weight: 1 },
  )
}

function text({ pattern = '' }: SchemaNode): fc.Arbitrary<string> {
  const fits = new RegExp(pattern)
  if (/^\^\[\^/.test(pattern)) return fc.string({ unit: 'binary', maxLength: 6 }).filter((each) => fits.test(each))
  return fc.stringMatching(fits).filter((each) => each.length < 40)
}

/** Values that the schema accepts in a place. */
function arbitraryOf(schema: SchemaNode, place: string): fc.Arbitrary<unknown> {
  if (schema.enum) return fc.constantFrom(...schema.enum)
  if (schema.type === 'integer') return integer(schema)
  if (schema.type === 'boolean') return fc.boolean()
  if (schema.type === 'string') return words(place) ?? text(schema)
  if (schema.type === 'array') {
    return fc.array(childOf(schema, '*', place), { minLength: schema.minItems ?? 0, maxLength: 4 })
  }
  if (schema.additionalProperties) {
    return fc.dictionary(words(`${place}/key`) ?? fc.string({ minLength: 1 }), childOf(schema, '*', place), {
      maxKeys: 3,
    })
  }
  const members = Object.keys(schema.properties ?? {}).map((key) => [key, childOf(schema, key, place)] as const)
  const required = (schema.required ?? []) as string[]
  return fc.record(Object.fromEntries(members), { requiredKeys: required })
}

function childOf(schema: SchemaNode, token: string, place: string): fc.Arbitrary<unknown> {
  return arbitraryOf(childSchema(schema, token) as SchemaNode, `${place}/${token}`)
}

const MAP = [{ containerID: 0, hostID: 1000, size: 65536 }]

/** What generated configurations would otherwise be refused for nearly always. */
function completed(config: Json): Json {
  config.root ??= { path: 'rootfs' }
  if (config.process?.args?.length === 0) config.process.args = ['sh']
  const { linux } = config
  if (!linux) return config
  const types = new Set<string>()
  linux.namespaces = (linux.namespaces ?? []).filter(({ type }: Json) => !types.has(type) && types.add(type))
  // Most containers have one, and much is refused without.
  if (!types.has('mount')) linux.namespaces.push({ type: 'mount' })
  const user = linux.namespaces.find(({ type }: Json) => type === 'user')
  for (const key of ['uidMappings', 'gidMappings']) {
    if (user && !user.path) linux[key] = MAP
    else delete linux[key]
  }
  return config
}

/** Takes out what the rules refuse, until they refuse nothing. */
function repaired(config: Json): Spec {
  for (let tries = 0; tries < 1000; tries++) {
    const [problem] = checkRules(config).problems
    if (!problem) return config
    config = withoutPlace(config, parsePointer(problem.pointer))
  }
  throw new Error(`still refused: ${encodeExact(config)}`)
}

/** The value without the place, or without the nearest one around it that the schema can do without. */
export function withoutPlace(value: Json, path: readonly string[]): Json {
  let place = isThere(value, path) ? path : path.slice(0, -1)
  while (place.length > 0 && isNeeded(value, place)) place = place.slice(0, -1)
  return withPlace(value, place, undefined)
}

function isNeeded(value: Json, path: readonly string[]): boolean {
  const around = path.slice(0, -1)
  const schema = schemaAt(around)
  const items = around.reduce((at: Json, token) => at[token], value)
  return schema?.required?.includes(path.at(-1) as string) || items.length <= (schema?.minItems ?? 0)
}

/** Whether a value has the place. */
export function isThere(value: Json, path: readonly string[]): boolean {
  let at = value
  for (const token of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, token)) return false
    at = at[token]
  }
  return true
}

/** Configurations that the schema and all rules accept. */
export const validConfig: fc.Arbitrary<Spec> = arbitraryOf(configSchema, '').map((value) =>
  repaired(completed(structuredClone(value))),
)
