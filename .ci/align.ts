/**
 * align FROM TO: copies an ELF executable so that its segments may be mapped in pages of 2 MiB.
 *
 * A kernel since 6.16 keeps a file that is written in large pieces in large pages (folios), and maps one of 2 MiB by one
 * entry of the page table where place in the file and address agree modulo 2 MiB. The engine's text is 80 MB, of which
 * a start touches 14 in pieces of 64 KiB: 240 page faults of 1,050, each with entries to be made and taken down again
 * (docs/PERFORMANCE.md has the figures). Where it does not work (older kernels, a page cache that has read the file
 * anew after a reboot), the file is mapped as any other.
 */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'

const HUGE = 2 << 20
const PAGE = 4096

/** Places of fields in Elf64_Ehdr, Elf64_Phdr and Elf64_Shdr, and the types that matter. elf(5). */
const EHDR = { phoff: 32, shoff: 40, phentsize: 54, phnum: 56, shentsize: 58, shnum: 60 }
const PHDR = { type: 0, offset: 8, vaddr: 16, align: 48 }
const SHDR = { offset: 24 }
const PT_LOAD = 1

/** From `start` of the file on, everything moves by `shift`. */
interface Move {
  readonly start: number
  readonly shift: number
}

/** The same executable, with gaps before segments. Refuses what is no little-endian ELF of 64 bits. */
function aligned(bytes: Buffer): Buffer {
  if (bytes.readUInt32BE(0) !== 0x7f454c46 || bytes[4] !== 2 || bytes[5] !== 1) throw new Error('no 64-bit ELF')
  const number = (at: number) => Number(bytes.readBigUInt64LE(at))
  const headers = (table: number, size: number, count: number) =>
    Array.from({ length: bytes.readUInt16LE(count) }, (_, i) => number(table) + i * bytes.readUInt16LE(size))
  const segments = headers(EHDR.phoff, EHDR.phentsize, EHDR.phnum)
  const sections = headers(EHDR.shoff, EHDR.shentsize, EHDR.shnum)
  const loads = segments.filter((at) => bytes.readUInt32LE(at + PHDR.type) === PT_LOAD)

  const moves: Move[] = []
  let shift = 0
  for (const at of loads) {
    const [start, address] = [number(at + PHDR.offset), number(at + PHDR.vaddr)]
    shift += (((address - start - shift) % HUGE) + HUGE) % HUGE
    if (start < (moves.at(-1)?.start ?? -1)) throw new Error('segments are not in the order of the file')
    moves.push({ start, shift })
  }
  const moved = (offset: number) => offset + (moves.findLast(({ start }) => offset >= start)?.shift ?? 0)

  // A segment begins within a page: the kernel maps all of that page, so what was before it comes along.
  const made = Buffer.alloc(bytes.length + shift)
  for (const [i, { start, shift: by }] of moves.entries()) {
    const head = start - (start % PAGE)
    bytes.copy(made, head + by, head, moves[i + 1]?.start ?? bytes.length)
  }
  const write = (at: number, value: number) => made.writeBigUInt64LE(BigInt(value), at)
  write(EHDR.shoff, moved(number(EHDR.shoff)))
  for (const at of segments) {
    write(at + PHDR.offset, moved(number(at + PHDR.offset)))
    if (loads.includes(at)) write(at + PHDR.align, HUGE)
  }
  for (const at of sections) write(moved(at) + SHDR.offset, moved(number(at + SHDR.offset)))
  return made
}

const [from = '', to = ''] = process.argv.slice(2)
const made = aligned(readFileSync(from))
const fd = openSync(to, 'wx', 0o755)
// The size of a write is the size of the pages.
for (let at = 0; at < made.length; ) at += writeSync(fd, made, at, Math.min(HUGE, made.length - at))
closeSync(fd)
