import { readdirSync, readFileSync } from 'node:fs'
import { Ajv, type AnySchema } from 'ajv'
import { describe, expect, test } from 'vitest'
import { AJV_OPTIONS } from '../../../spec/build.ts'
import { loadSchema } from '../../../spec/schemas.ts'
import { type Json, ODD_VALUES, places, plainConfig, userConfig, withPlace } from './configs.ts'
import { OFFICIAL, OFFICIAL_IS_13, officialMissing, officialValidator } from './official.ts'

const ours = (file: string) => new Ajv(AJV_OPTIONS).compile(loadSchema(file) as AnySchema)

interface Difference {
  readonly why: string
  /** The place as a pointer with * for any token. */
  readonly place: RegExp
  readonly value?: (value: unknown) => boolean
}

const isOdd = (pattern: RegExp) => (value: unknown) => JSON.stringify(value)?.search(pattern) >= 0

/** What the official schema refuses and ours accepts. */
const WIDER: readonly Difference[] = [
  { why: 'runc takes the recursive forms, engines send them', place: /^\/linux\/rootfsPropagation$/ },
  { why: 'text: uint32; engines send modes with file type bits', place: /^\/linux\/devices\/\d+\/fileMode$/ },
  { why: 'text: pids.limit is OPTIONAL', place: /^\/linux\/resources\/pids(\/limit)?$/ },
  { why: 'rlimit names are a rule', place: /^\/process\/rlimits\/\d+\/type$/ },
]

/** What the official schema accepts and ours refuses. */
const NARROWER: readonly Difference[] = [
  { why: 'NUL in a string', place: /./, value: isOdd(/\\u0000/) },
  {
    why: 'control characters in one-line words',
    place:
      /^\/(ociVersion|hostname|domainname|process\/(apparmorProfile|selinuxLabel)|linux\/(cgroupsPath|mountLabel|intelRdt\/(closID|schemata\/\d+))|linux\/resources\/network\/priorities\/\d+\/name)$/,
    value: isOdd(/\\n|\x7f/),
  },
  {
    why: 'uid_t -1 is no id',
    place: /^\/(process\/user|linux\/devices\/\d+)\/(uid|gid|additionalGids\/\d+)$/,
    value: (value) => value === 4294967295,
  },
  { why: 'text: personality.domain is REQUIRED', place: /^\/linux\/personality(\/domain)?$/ },
  { why: 'text: memoryPolicy.mode is REQUIRED', place: /^\/linux\/memoryPolicy(\/mode)?$/ },
  { why: 'text: rate is REQUIRED', place: /^\/linux\/resources\/blockIO\/throttleReadBpsDevice(\/\d+(\/rate)?)?$/ },
  { why: 'a hook may take 285 million years', place: /^\/hooks\/createRuntime\/\d+\/timeout$/ },
  { why: 'oom_score_adj is an int32 in the Go bindings', place: /^\/process\/oomScoreAdj$/ },
]

const used = new Set<Difference>()

function explained(list: readonly Difference[], path: readonly string[], value: unknown): boolean {
  const place = `/${path.join('/')}`
  const reason = list.find((each) => each.place.test(place) && (each.value?.(value) ?? true))
  if (reason) used.add(reason)
  return reason !== undefined
}

describe.skipIf(officialMissing())('our schemas against the official ones', () => {
  /** Every unexplained disagreement about a configuration with one place changed. */
  function disagreements(config: Json, onlyWider: boolean): string[] {
    const official = officialValidator('config-schema.json')
    const own = ours('config.json')
    const found: string[] = []
    expect(official(config), JSON.stringify(official.errors)).toBe(true)
    for (const path of places(config)) {
      for (const odd of ODD_VALUES) {
        const mutant = withPlace(config, path, odd)
        // No JSON Schema has a word for bigints.
        if (mutant === undefined || typeof odd === 'bigint') continue
        const [theirs, mine] = [official(mutant), own(mutant)]
        if (theirs === mine || (onlyWider && theirs)) continue
        if (explained(mine ? WIDER : NARROWER, path, odd)) continue
        found.push(`/${path.join('/')} = ${JSON.stringify(odd)}: official ${theirs}, ours ${mine}`)
      }
    }
    return found
  }

  test.runIf(OFFICIAL_IS_13)('config.json: one mutation at a time, both ways', () => {
    for (const config of [plainConfig(), userConfig()]) expect(disagreements(config, false)).toEqual([])
    // An explanation that explains nothing is out of date.
    const unused = [...WIDER, ...NARROWER].filter((difference) => !used.has(difference))
    expect(unused.map(({ why }) => why)).toEqual([])
  })

  test.runIf(!OFFICIAL_IS_13)(
    'config.json against schemas older than 1.3: ours accepts nothing that they refuse',
    () => {
      const config = userConfig()
      config.linux.namespaces = config.linux.namespaces.filter((each: Json) => each.type !== 'time')
      expect(disagreements(config, true)).toEqual([])
    },
  )

  const kinds = [
    ['config', 'config.json', 'config-schema.json'],
    ['state', 'state.json', 'state-schema.json'],
    ['features', 'features.json', 'features-schema.json'],
  ] as const
  for (const [kind, file, officialFile] of kinds) {
    test.runIf(OFFICIAL_IS_13)(`${kind}: the examples that come with the specification`, () => {
      const own = ours(file)
      const official = officialValidator(officialFile)
      let count = 0
      for (const verdict of ['good', 'bad']) {
        const folder = `${OFFICIAL}/test/${kind}/${verdict}`
        for (const name of readdirSync(folder).filter((each) => !/^freebsd|^zos/.test(each))) {
          count++
          let value: unknown
          try {
            value = JSON.parse(readFileSync(`${folder}/${name}`, 'utf8'))
          } catch {
            expect(verdict, name).toBe('bad')
            continue
          }
          expect(official(value), `${name} by the official schema`).toBe(verdict === 'good')
          expect(own(value), `${kind}/${verdict}/${name}: ${JSON.stringify(own.errors)}`).toBe(verdict === 'good')
        }
      }
      expect(count).toBeGreaterThan(1)
    })
  }
})
