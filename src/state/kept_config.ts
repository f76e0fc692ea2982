/** The configuration that is kept beside the record of a container. */
import { messageOf, RuntimeError } from '../base/errors.ts'
import { decodeJson } from '../base/json.ts'
import { readTextIf } from '../ffi/file.ts'
import type { Spec } from '../spec/types.gen.ts'
import type { ContainerRecord } from './record.ts'

const encoder = new TextEncoder()

/** Tells a text from what has become of it: its length and FNV-1a over its words. Not against anybody's will. */
export function sumOf(text: string): string {
  const bytes = encoder.encode(`${text}   `)
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2)
  let hash = 0x811c9dc5
  for (let i = 0; i < words.length; i++) hash = Math.imul(hash ^ (words[i] as number), 0x01000193)
  return `${bytes.length}-${(hash >>> 0).toString(16)}`
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
