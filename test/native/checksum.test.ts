/** CRC-32, which libdavit works out. */
import { crc32 as zlib } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { crc32 } from '../../src/ffi/checksum.ts'

test('is that of zlib, of bytes and of text', () => {
  expect(crc32('123456789')).toBe(0xcbf43926)
  expect(crc32('')).toBe(0)
  expect(crc32('é')).toBe(crc32(Uint8Array.of(0xc3, 0xa9)))
  const bytes = fc.uint8Array({ maxLength: 10_000 })
  fc.assert(fc.property(bytes, (some) => void expect(crc32(some)).toBe(zlib(some))))
})
