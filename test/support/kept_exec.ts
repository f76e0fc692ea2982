/** What `exec` keeps in a container's directory. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { type Bundle, bundle, type Config, createStart } from './bundle.ts'
import { stateRoot } from './runtime.ts'

export const keptFolder = ({ id }: Bundle) => `${stateRoot()}/${id}`

export const keptFiles = (made: Bundle) => readdirSync(keptFolder(made)).filter((name) => name.startsWith('exec.'))

/** CRC-32, by the textbook. */
function crc32(bytes: Uint8Array): number {
  let sum = ~0
  for (const byte of bytes) {
    sum ^= byte
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0)
  }
  return ~sum >>> 0
}

const limit = (soft: number) => Buffer.from(BigUint64Array.of(BigInt(soft), 2222n).buffer)

/** Puts another limit of open files into what is kept of a container with 1111:2222, whole as if davit had written it. */
export function spoilForm(made: Bundle): void {
  const path = `${keptFolder(made)}/${keptFiles(made)[0]}`
  const bytes = readFileSync(path)
  const at = bytes.indexOf(limit(1111))
  if (at < 0) throw new Error(`no limit in ${path}`)
  limit(1112).copy(bytes, at)
  const rest = bytes.subarray(bytes.indexOf('\n') + 1)
  writeFileSync(path, Buffer.concat([Buffer.from(`${crc32(rest)}\n`), rest]))
}

/** A container that sleeps. */
export async function runningContainer(change: (config: Config) => void = () => {}): Promise<Bundle> {
  const made = await bundle((config) => {
    config.process.args = ['/bin/sleep', '1000']
    change(config)
  })
  await createStart(made)
  return made
}
