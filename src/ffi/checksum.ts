/** Sums that tell a whole file from what has become of it. Not against anybody's will. */
import { NATIVE } from '../wire/ops.ts'
import { native } from './native.ts'

/** CRC-32 of bytes, or of a text as UTF-8: by libdavit, as the engine has none that is ready at once. */
export function crc32(data: Uint8Array | string): number {
  // Not Buffer.from, which is compiled when it is used first: that takes a hundred times as long as this.
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data
  return native(NATIVE.crc32, bytes, bytes.length)
}
