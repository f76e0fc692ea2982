/** Sums that tell a whole file from what has become of it, by the engine: its own arithmetic costs a millisecond for 8 KB. */

interface Engine {
  readonly hash: { crc32(data: Uint8Array | string): number }
}

/** CRC-32 of bytes, or of a text as UTF-8; undefined where the engine has none. Not against anybody's will. */
export function crc32(data: Uint8Array | string): number | undefined {
  return (globalThis as { Bun?: Engine }).Bun?.hash.crc32(data)
}

/** The same, by ourselves where the engine has none. */
export function sum32(text: string): number {
  return crc32(text) ?? slowly(new TextEncoder().encode(text))
}

function slowly(bytes: Uint8Array): number {
  let sum = -1
  for (const byte of bytes) {
    sum ^= byte
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (0xedb88320 & -(sum & 1))
  }
  return ~sum >>> 0
}
