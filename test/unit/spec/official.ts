/** The specification's own schemas: from a checkout beside the repository, else from Debian's package. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Ajv, type AnySchema, type ValidateFunction } from 'ajv'

const CANDIDATES = [
  fileURLToPath(new URL('../../../../shared/runtime-spec-1.3/schema', import.meta.url)),
  '/usr/share/gocode/src/github.com/opencontainers/runtime-spec/schema',
]

/** The folder of the official schemas, undefined when there is none. */
export const OFFICIAL = CANDIDATES.find((folder) => existsSync(`${folder}/config-schema.json`))

/** Whether the schemas found are those of 1.3 (Debian's package may be older). */
export const OFFICIAL_IS_13 =
  OFFICIAL !== undefined && readFileSync(`${OFFICIAL}/config-linux.json`, 'utf8').includes('netDevices')

/** Call in a test file that needs the schemas: fails under MUST_RUN=1, else prints why the tests are skipped. */
export function officialMissing(): boolean {
  if (OFFICIAL !== undefined) return false
  const reason = `the OCI schemas are not in ${CANDIDATES.join(' or ')}`
  if (process.env.MUST_RUN === '1') throw new Error(reason)
  console.log(`skipped: ${reason}`)
  return true
}

/** Compiles one of the official schemas, for example "config-schema.json". */
export function officialValidator(name: string): ValidateFunction {
  const folder = OFFICIAL as string
  const ajv = new Ajv({ strict: false, logger: false, unicodeRegExp: false })
  for (const file of readdirSync(folder)) {
    if (file.endsWith('.json') && file !== name) ajv.addSchema(read(`${folder}/${file}`), file)
  }
  return ajv.compile(read(`${folder}/${name}`))
}

/** Draft-04 as draft-07: the official schemas use no keyword that changed its meaning but a sibling of $ref. */
function read(path: string): AnySchema {
  const schema = JSON.parse(readFileSync(path, 'utf8').replaceAll('"#definitions/', '"#/definitions/'))
  delete schema.$schema
  return schema
}
