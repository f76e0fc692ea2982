/** Classic BPF (linux/filter.h, linux/bpf_common.h), as far as seccomp filters use it, and its encoding. */

/** Opcodes: class | size or operation | source. */
export const LD_W_ABS = 0x20 // BPF_LD | BPF_W | BPF_ABS: A = *(u32 *)(data + k)
export const JEQ_K = 0x15 // BPF_JMP | BPF_JEQ | BPF_K
export const JGT_K = 0x25 // BPF_JMP | BPF_JGT | BPF_K
export const JSET_K = 0x45 // BPF_JMP | BPF_JSET | BPF_K
export const RET_K = 0x06 // BPF_RET | BPF_K

/** struct seccomp_data. */
export const DATA_NR = 0
export const DATA_ARCH = 4

/** struct sock_filter: jt and jf count instructions after this one. */
export interface ClassicInstruction {
  readonly code: number
  readonly jt?: number
  readonly jf?: number
  readonly k: number
}

/** Size of struct sock_filter. */
export const SOCK_FILTER_SIZE = 8

/** BPF_MAXINSNS: the kernel takes no longer program. */
export const MAX_INSTRUCTIONS = 4096

/** As an array of struct sock_filter, little-endian as on every machine davit runs on. */
export function encodeClassic(instructions: readonly ClassicInstruction[]): Uint8Array {
  const bytes = new Uint8Array(instructions.length * SOCK_FILTER_SIZE)
  const view = new DataView(bytes.buffer)
  for (const [index, { code, jt = 0, jf = 0, k }] of instructions.entries()) {
    const at = index * SOCK_FILTER_SIZE
    view.setUint16(at, code, true)
    view.setUint8(at + 2, jt)
    view.setUint8(at + 3, jf)
    view.setUint32(at + 4, k, true)
  }
  return bytes
}
