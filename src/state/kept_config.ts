/** The configuration that is kept beside the record of a container. */
import { messageOf, RuntimeError } from '../base/errors.ts'
import { decodeJson } from '../base/json.ts'
import { crc32 } from '../ffi/checksum.ts'
import { readTextIf } from '../ffi/file.ts'
import type { Spec } from '../spec/types.gen.ts'
import type { ContainerRecord } from './record.ts'

/** Tells a text from what has become of it: its length and CRC-32. Not against anybody's will. */
export function sumOf(text: string): string {
  return `${text.length}-${crc32(text).toString(16)}`
}

/** The configuration as create had checked and then kept it, where only we can write; the bundle may have changed since. */
export function readConfig(root: string, record: ContainerRecord): Spec {
  const path = `${root}/${record.id}/config.json`
  const text = readTextIf(path)
  const refuse = (why: string) => new RuntimeError('state', `read "${path}": ${why}`)
  if (text === undefined) throw refuse('no such file or directory')
  if (record.configSum !== undefined && sumOf(text) !== record.configSum)
    throw refuse('it is not what the container was made from')
  try {
    return decodeJson(text) as Spec
  } catch (error) {
    throw refuse(messageOf(error))
  }
}
