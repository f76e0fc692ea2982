/**
 * A compressed kernel for x86 carries an ELF file, which QEMU starts at once: unpacking it in the guest would take
 * seconds at every boot. Offsets are those of the kernel's Documentation/arch/x86/boot.rst.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'

const SETUP_SECTORS = 0x1f1
const PAYLOAD_OFFSET = 0x248
const PAYLOAD_LENGTH = 0x24c

/** By the first bytes of what they made. */
const COMPRESSORS: Readonly<Record<string, string>> = { '28b52ffd': 'zstd', fd377a58: 'xz' }

/** Writes the ELF file that `from` carries to `to`. */
export function unpackKernel(from: string, to: string): void {
  const image = readFileSync(from)
  const start = ((image[SETUP_SECTORS] || 4) + 1) * 512 + image.readUInt32LE(PAYLOAD_OFFSET)
  const payload = image.subarray(start, start + image.readUInt32LE(PAYLOAD_LENGTH))
  const magic = payload.subarray(0, 4).toString('hex')
  const compressor = COMPRESSORS[magic]
  if (!compressor) throw new Error(`${from}: compressed in a way that is not known, ${magic}`)
  // Its status says nothing: the size follows the compressed data, and is no part of them.
  const { stdout } = spawnSync(compressor, ['-dc'], { input: payload, maxBuffer: 1 << 30 })
  if (stdout?.subarray(1, 4).toString() !== 'ELF') throw new Error(`${from}: no ELF file in it`)
  writeFileSync(to, stdout)
}
