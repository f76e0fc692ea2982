/**
 * A kernel that takes the emulated processor for one with Intel's RDT, which QEMU has not.
 *
 * All that a runtime sees of RDT is the kernel's file system resctrl: classes, masks, tasks, and what of them is refused.
 * The kernel keeps that in memory, and the processor is only told. So three looks at the processor are changed in a copy of
 * the kernel, and nothing behind them; what is written to registers that are not there is lost, and no cache is divided.
 */
import { readFileSync, writeFileSync } from 'node:fs'

/** Bytes in hexadecimal, and what they become; `..` is any byte, which stays where it is `..` again. Once in the kernel. */
interface Change {
  readonly what: string
  readonly from: string
  readonly to: string
}

const CHANGES: readonly Change[] = [
  {
    // Haswell's servers have RDT without saying so. The kernel writes a mask of 20 bits to a register, reads it again,
    // and goes on only if it is the same (cache_alloc_hsw_probe): cmp $0xfffff,%rax; jne becomes six times nop.
    what: 'the probe of Haswell',
    from: '483dffff0f00 0f85........',
    to: '483dffff0f00 909090909090',
  },
  {
    // What it takes for the numbers of monitoring where the processor has none (resctrl_cpu_detect), all -1: jb; movl;
    // movq. The highest id becomes 7, so that there are eight, the unit of occupancy a byte, the last 0.
    what: 'the numbers of monitoring',
    from: '72.. c783........ffffffff 48c783........ffffffff',
    to: '72.. c783........07000000 48c783........01000000',
  },
  {
    // Whether it has occupancy (get_rdt_mon_resources): test %al,%al; je; orl $2; mov $0x162,%edi, which is the next
    // feature to be asked for. It has it.
    what: 'the question for monitoring',
    from: '84c0 7407 830d........02 bf62010000',
    to: '84c0 9090 830d........02 bf62010000',
  },
]

const bytesOf = (text: string) => text.replaceAll(' ', '').match(/../g) ?? []

/** A regular expression for text in Latin-1. */
const patternOf = (text: string) =>
  new RegExp(
    bytesOf(text)
      .map((byte) => (byte === '..' ? '[^]' : `\\x${byte}`))
      .join(''),
    'g',
  )

const change = (found: string, to: string) =>
  bytesOf(to)
    .map((byte, at) => (byte === '..' ? (found[at] ?? '') : String.fromCharCode(Number.parseInt(byte, 16))))
    .join('')

/** A processor that the kernel tries that probe on. */
export const RESCTRL_CPU = 'max,vendor=GenuineIntel,family=6,model=63'

/** Writes such a kernel to `to`. Throws where `from` is another kernel than the changes are for. */
export function resctrlKernel(from: string, to: string): void {
  let image = readFileSync(from, 'latin1')
  for (const { what, from: old, to: changed } of CHANGES) {
    const pattern = patternOf(old)
    const times = image.match(pattern)?.length ?? 0
    if (times !== 1) throw new Error(`${from}: ${what} is there ${times} times`)
    image = image.replace(pattern, (found) => change(found, changed))
  }
  writeFileSync(to, image, 'latin1')
}
