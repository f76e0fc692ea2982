/** A classic BPF machine for seccomp filters: refuses what the kernel's checker would, and runs the rest. */
import { ARCHITECTURES, type ArchName } from '../../../../src/kernel/seccomp.ts'

export interface Call {
  readonly arch?: ArchName
  readonly nr: number
  readonly args?: readonly (number | bigint)[]
}

interface Instruction {
  readonly code: number
  readonly jt: number
  readonly jf: number
  readonly k: number
}

export function decodeClassic(program: Uint8Array): Instruction[] {
  expectWhole(program)
  const view = new DataView(program.buffer, program.byteOffset, program.length)
  return Array.from({ length: program.length / 8 }, (_, i) => ({
    code: view.getUint16(i * 8, true),
    jt: view.getUint8(i * 8 + 2),
    jf: view.getUint8(i * 8 + 3),
    k: view.getUint32(i * 8 + 4, true),
  }))
}

function expectWhole(program: Uint8Array): void {
  if (program.length % 8 !== 0 || program.length === 0 || program.length / 8 > 4096)
    throw new Error(`${program.length} bytes are no program`)
}

/** struct seccomp_data: nr, arch, instruction pointer, six arguments. */
function seccompData({ arch = 'SCMP_ARCH_X86_64', nr, args = [] }: Call): DataView {
  const data = new DataView(new ArrayBuffer(64))
  data.setUint32(0, nr, true)
  data.setUint32(4, arch === 'SCMP_ARCH_X32' ? ARCHITECTURES.SCMP_ARCH_X86_64 : ARCHITECTURES[arch], true)
  for (const [i, arg] of args.entries()) data.setBigUint64(16 + i * 8, BigInt.asUintN(64, BigInt(arg)), true)
  return data
}

/** What the filter returns for a call. */
export function interpret(program: Uint8Array, call: Call): number {
  const code = decodeClassic(program)
  const data = seccompData(call)
  const scratch: (number | undefined)[] = []
  let a = 0
  let x = 0
  for (let pc = 0; pc < code.length; pc++) {
    const { code: op, jt, jf, k } = code[pc] as Instruction
    const operand = op & 0x08 ? x : k
    const jump = (yes: boolean) => {
      pc += yes ? jt : jf
    }
    if (op === 0x20) a = data.getUint32(k, true)
    else if (op === 0x60) a = memory(scratch, k)
    else if (op === 0x02) scratch[k] = a
    else if (op === 0x07) x = a
    else if (op === 0x54) a = (a & k) >>> 0
    else if (op === 0x05) pc += k
    else if ((op & 0xf7) === 0x15) jump(a === operand)
    else if ((op & 0xf7) === 0x25) jump(a > operand)
    else if ((op & 0xf7) === 0x35) jump(a >= operand)
    else if ((op & 0xf7) === 0x45) jump((a & operand) !== 0)
    else if (op === 0x06) return k
    else throw new Error(`instruction ${pc}: unknown code 0x${op.toString(16)}`)
  }
  throw new Error('fell off the end of the program')
}

function memory(scratch: readonly (number | undefined)[], k: number): number {
  const value = scratch[k]
  if (value === undefined) throw new Error(`M[${k}] is read before it is written`)
  return value
}

const NAMES: readonly (readonly [number, string])[] = [
  [0x7fff0000, 'allow'],
  [0x7ffc0000, 'log'],
  [0x7ff00000, 'trace'],
  [0x7fc00000, 'notify'],
  [0x00050000, 'errno'],
  [0x00030000, 'trap'],
  [0x80000000, 'kill process'],
  [0x00000000, 'kill'],
]

/** A filter's answer in words: "allow", "errno 38", "trace 7", "kill". */
export function answer(program: Uint8Array, call: Call): string {
  const value = interpret(program, call)
  const name = NAMES.find(([action]) => action === (value & 0xffff0000) >>> 0)?.[1] ?? `0x${value.toString(16)}`
  return name === 'errno' || name === 'trace' ? `${name} ${value & 0xffff}` : name
}
