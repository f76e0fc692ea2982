/**
 * eBPF numbers (linux/bpf.h, linux/bpf_common.h; Documentation/bpf/standardization/instruction-set.rst) and the
 * encoding of instructions, as far as a device filter needs them.
 */

/** bpf(2) commands. */
export const BPF_PROG_LOAD = 5
export const BPF_PROG_ATTACH = 8
export const BPF_PROG_DETACH = 9
export const BPF_PROG_GET_FD_BY_ID = 13
export const BPF_PROG_QUERY = 16

export const BPF_PROG_TYPE_CGROUP_DEVICE = 15
/** enum bpf_attach_type. */
export const BPF_CGROUP_DEVICE = 6
export const BPF_F_ALLOW_MULTI = 2

/** struct bpf_cgroup_dev_ctx.access_type: the type in the low half, the access in the high half. */
export const BPF_DEVCG_DEV_BLOCK = 1
export const BPF_DEVCG_DEV_CHAR = 2
export const BPF_DEVCG_ACC_MKNOD = 1
export const BPF_DEVCG_ACC_READ = 2
export const BPF_DEVCG_ACC_WRITE = 4

/** Opcodes: class | size or operation | source. */
export const LDX_W = 0x61 // BPF_LDX | BPF_MEM | BPF_W: dst = *(u32 *)(src + off)
export const ALU32_AND_K = 0x54 // BPF_ALU | BPF_AND | BPF_K
export const ALU32_RSH_K = 0x74 // BPF_ALU | BPF_RSH | BPF_K
export const MOV64_K = 0xb7 // BPF_ALU64 | BPF_MOV | BPF_K
export const JA = 0x05 // BPF_JMP | BPF_JA
export const JNE_K = 0x55 // BPF_JMP | BPF_JNE | BPF_K
export const JSET_K = 0x45 // BPF_JMP | BPF_JSET | BPF_K: jump if dst & imm
export const EXIT = 0x95 // BPF_JMP | BPF_EXIT

/** struct bpf_insn; `imm` is a signed 32-bit number, `off` counts instructions after this one. */
export interface BpfInstruction {
  readonly op: number
  readonly dst: number
  readonly src: number
  readonly off: number
  readonly imm: number
}

/** Size of struct bpf_insn in bytes. */
export const BPF_INSN_SIZE = 8

/** The instructions as an array of struct bpf_insn, little-endian as on every machine davit runs on. */
export function encodeBpf(instructions: readonly BpfInstruction[]): Uint8Array {
  const bytes = new Uint8Array(instructions.length * BPF_INSN_SIZE)
  const view = new DataView(bytes.buffer)
  instructions.forEach((insn, index) => {
    const at = index * BPF_INSN_SIZE
    view.setUint8(at, insn.op)
    view.setUint8(at + 1, (insn.src << 4) | insn.dst)
    view.setInt16(at + 2, insn.off, true)
    view.setInt32(at + 4, insn.imm, true)
  })
  return bytes
}
