/** The engine's file is laid out so that a kernel can map it in pages of 2 MiB. */
import { closeSync, openSync, readSync } from 'node:fs'
import { expect, test } from 'vitest'
import { RUNTIME } from '../support/place.ts'

const HUGE = 2 << 20

/** Offset and address of each segment that is loaded; elf(5). */
function loads(path: string): { offset: number; address: number }[] {
  const head = Buffer.alloc(4096)
  const fd = openSync(path, 'r')
  readSync(fd, head, 0, head.length, 0)
  closeSync(fd)
  const [table, size, count] = [Number(head.readBigUInt64LE(32)), head.readUInt16LE(54), head.readUInt16LE(56)]
  return Array.from({ length: count }, (_, i) => table + i * size)
    .filter((at) => head.readUInt32LE(at) === 1)
    .map((at) => ({ offset: Number(head.readBigUInt64LE(at + 8)), address: Number(head.readBigUInt64LE(at + 16)) }))
}

test.runIf(RUNTIME.endsWith('/davit'))('the engine’s segments agree with the file modulo 2 MiB', () => {
  const segments = loads(RUNTIME.replace(/davit$/, 'libexec/davit/davit'))
  expect(segments.length).toBeGreaterThan(2)
  for (const { offset, address } of segments) expect(offset % HUGE).toBe(address % HUGE)
})
