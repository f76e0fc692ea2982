/** The data area of a plan buffer: strings and structures, each once, 8-byte aligned so that the kernel reads them in place. */
import { RuntimeError } from '../base/errors.ts'

/** Bytes of the area, by place and length. */
export interface Span {
  readonly place: number
  readonly length: number
}

/** SAFETY: to the executor a NUL ends a string: what comes after it would be the next argument or variable. */
function refuseNul(): never {
  throw new RuntimeError('config-invalid', 'a string with a NUL byte cannot be passed on')
}

export class DataArea {
  private buffer = Buffer.alloc(16384)
  /** The first eight bytes stay zero: offset 0 is the empty string. */
  length = 8
  /** The same memory as `buffer`. */
  private words = new Uint32Array(this.buffer.buffer, this.buffer.byteOffset, this.buffer.length / 4)
  private readonly strings = new Map<string, number>([['', 0]])
  private readonly lists = new Map<readonly string[], Span>()

  /** The whole area; it is another one when it has grown. */
  get bytes(): Uint8Array {
    return this.buffer
  }

  /** Makes room for `size` bytes after the first `used`. */
  private grow(used: number, size: number): void {
    const bytes = Buffer.alloc(Math.max(this.buffer.length * 2, (used + size + 7) & ~7))
    bytes.set(this.buffer.subarray(0, used))
    this.buffer = bytes
    this.words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
  }

  /** Place of a NUL-terminated string. */
  text(value: string): number {
    const found = this.strings.get(value)
    if (found !== undefined) return found
    const at = this.length
    // A UTF-16 unit is at most three bytes.
    const most = value.length * 3 + 9
    if (at + most > this.buffer.length) this.grow(at, most)
    if (value.includes('\0')) refuseNul()
    this.length = (at + this.buffer.write(value, at) + 8) & ~7
    this.strings.set(value, at)
    return at
  }

  /** Places strings one after the other, each with its NUL. The same list is placed once. */
  list(values: readonly string[]): Span {
    const found = this.lists.get(values)
    if (found !== undefined) return found
    const place = this.length
    let end = place
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as string
      const most = value.length * 3 + 9
      if (end + most > this.buffer.length) this.grow(end, most)
      if (value.includes('\0')) refuseNul()
      end += this.buffer.write(value, end) + 1
    }
    this.length = (end + 7) & ~7
    const span = { place, length: end - place }
    this.lists.set(values, span)
    return span
  }

  /** Adds a string to a list that is the last thing here; the list's length then, or 0: something came after it. */
  lengthen(place: number, length: number, value: string): number {
    const end = place + length
    if (((end + 7) & ~7) !== this.length) return 0
    const most = value.length * 3 + 9
    if (end + most > this.buffer.length) this.grow(end, most)
    if (value.includes('\0')) refuseNul()
    const next = end + this.buffer.write(value, end) + 1
    this.length = (next + 7) & ~7
    return next - place
  }

  /** Place of raw bytes. */
  raw(value: Uint8Array): number {
    const at = this.length
    if (at + value.length + 8 > this.buffer.length) this.grow(at, value.length + 8)
    this.buffer.set(value, at)
    this.length = (at + value.length + 7) & ~7
    return at
  }

  /** Place of little-endian words of 32 bits. */
  struct(values: readonly number[]): number {
    const at = this.length
    const size = values.length * 4
    if (at + size + 8 > this.buffer.length) this.grow(at, size + 8)
    const { words } = this
    for (let i = 0, to = at / 4; i < values.length; i++) words[to++] = values[i] as number
    this.length = (at + size + 7) & ~7
    return at
  }
}
