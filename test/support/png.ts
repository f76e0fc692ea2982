/** Reads the pixels of a PNG as Chromium writes them: eight bits a channel, no interlacing. */
import { inflateSync } from 'node:zlib'

export interface Picture {
  readonly width: number
  readonly height: number
  /** The colour of a pixel, `#rrggbb`. */
  readonly at: (x: number, y: number) => string
  /** How many pixels have a colour. */
  readonly count: (colour: string) => number
}

/** What a filter adds to a byte, from the bytes at its left, above, and above at the left. */
function predict(filter: number, left: number, up: number, corner: number): number {
  if (filter === 1) return left
  if (filter === 2) return up
  if (filter === 3) return (left + up) >> 1
  if (filter !== 4) return 0
  const [a, b, c] = [left, up, corner].map((it) => Math.abs(left + up - corner - it)) as [number, number, number]
  if (a <= b && a <= c) return left
  return b <= c ? up : corner
}

function unfilter(data: Buffer, height: number, stride: number, size: number): Buffer {
  const out = Buffer.alloc(height * stride)
  for (let y = 0; y < height; y++) {
    const filter = data[y * (stride + 1)] ?? 0
    for (let i = 0; i < stride; i++) {
      const at = y * stride + i
      const left = i >= size ? (out[at - size] ?? 0) : 0
      const up = y > 0 ? (out[at - stride] ?? 0) : 0
      const corner = y > 0 && i >= size ? (out[at - stride - size] ?? 0) : 0
      out[at] = (data[y * (stride + 1) + 1 + i] ?? 0) + predict(filter, left, up, corner)
    }
  }
  return out
}

export function readPng(png: Buffer): Picture {
  const [width, height, depth, kind] = [png.readUInt32BE(16), png.readUInt32BE(20), png[24], png[25]]
  if (depth !== 8 || (kind !== 2 && kind !== 6)) throw new Error(`a PNG of ${depth} bits and kind ${kind}`)
  const parts: Buffer[] = []
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at)
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(png.subarray(at + 8, at + 8 + length))
    at += 12 + length
  }
  const size = kind === 6 ? 4 : 3
  const pixels = unfilter(inflateSync(Buffer.concat(parts)), height, width * size, size)
  const at = (x: number, y: number) => {
    const begin = (y * width + x) * size
    return `#${pixels.toString('hex', begin, begin + 3)}`
  }
  const count = (colour: string) => {
    const wanted = Number.parseInt(colour.slice(1), 16)
    let found = 0
    for (let i = 0; i < pixels.length; i += size) if (pixels.readUIntBE(i, 3) === wanted) found++
    return found
  }
  return { width, height, at, count }
}
