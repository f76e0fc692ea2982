/** The data area of a plan buffer: strings and structures, each once, 8-byte aligned so that the kernel reads them in place. */
import { RuntimeError } from '../base/errors.ts'

const encoder = new TextEncoder()

/** SAFETY: to the executor a NUL ends a string: what comes after it would be the next argument or variable. */
function checked(value: string): string {
  if (!value.includes('\0')) return value
  throw new RuntimeError('config-invalid', 'a string with a NUL byte cannot be passed on')
}

export class DataArea {
  bytes = new Uint8Array(16384)
  /** The first eight bytes stay zero: offset 0 is the empty string. */
  length = 8
  private readonly strings = new Map<string, number>([['', 0]])

  private grow(size: number): void {
    if (this.length + size <= this.bytes.length) return
    const bytes = new Uint8Array(Math.max(this.bytes.length * 2, this.length + size))
    bytes.set(this.bytes.subarray(0, this.length))
    this.bytes = bytes
  }

  /** Place of a NUL-terminated string. */
  text(value: string): number {
    const found = this.strings.get(value)
    if (found !== undefined) return found
    const at = this.length
    this.grow(value.length * 3 + 9)
    const { written } = encoder.encodeInto(checked(value), this.bytes.subarray(at))
    this.length = (at + written + 8) & ~7
    this.strings.set(value, at)
    return at
  }

  /** Places strings one after the other, each with its NUL; returns place and length. */
  list(values: readonly string[]): readonly [place: number, length: number] {
    const at = this.length
    let end = at
    for (const value of values) {
      this.length = end
      this.grow(value.length * 3 + 9)
      end += encoder.encodeInto(checked(value), this.bytes.subarray(end)).written + 1
    }
    this.length = (end + 7) & ~7
    return [at, end - at]
  }

  /** Place of raw bytes. */
  raw(value: Uint8Array): number {
    const at = this.length
    this.grow(value.length + 8)
    this.bytes.set(value, at)
    this.length = (at + value.length + 7) & ~7
    return at
  }
}
