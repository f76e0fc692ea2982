/**
 * The device list of cgroup v2: an eBPF program that the kernel asks on every open and mknod of a device
 * (BPF_PROG_TYPE_CGROUP_DEVICE; the context is struct bpf_cgroup_dev_ctx in linux/bpf.h).
 *
 * The program keeps the accesses that are still to be decided in r3 and walks the rules from the last to the first. A
 * rule about this device: if it denies one of them, the answer is no; if it allows some, they are struck off, and with
 * none left the answer is yes. So "allow r" and "allow w" in two rules allow opening for both, and "deny w" after
 * "allow rwm" is not passed by opening for both, as in v1; a filter that wants one rule to match the whole request,
 * which the peers have, gets both wrong.
 */
import {
  ALU32_AND_K,
  ALU32_RSH_K,
  BPF_DEVCG_DEV_BLOCK,
  BPF_DEVCG_DEV_CHAR,
  type BpfInstruction,
  EXIT,
  JA,
  JNE_K,
  JSET_K,
  LDX_W,
  MOV64_K,
} from '../../kernel/bpf.ts'
import { type AccessRule, ALL_ACCESS, effectiveRules, isDefault } from './device_rules.ts'

const [R0, CTX, TYPE, LEFT, MAJOR, MINOR] = [0, 1, 2, 3, 4, 5] as const

/** KERNEL: device numbers are 12 and 20 bits; a rule about a larger one is about no device. */
const MAX_NUMBER = 2 ** 31 - 1

const insn = (op: number, dst: number, imm = 0, off = 0, src = 0): BpfInstruction => ({ op, dst, src, off, imm })

const PROLOGUE: readonly BpfInstruction[] = [
  insn(LDX_W, TYPE, 0, 0, CTX), // access_type: type in the low half
  insn(ALU32_AND_K, TYPE, 0xffff),
  insn(LDX_W, LEFT, 0, 0, CTX), // and the access in the high half
  insn(ALU32_RSH_K, LEFT, 16),
  insn(LDX_W, MAJOR, 0, 4, CTX),
  insn(LDX_W, MINOR, 0, 8, CTX),
]

const answer = (allow: boolean): BpfInstruction[] => [insn(MOV64_K, R0, allow ? 1 : 0), insn(EXIT, 0)]

/** The program for rules in the order of config.json. */
export function deviceProgram(rules: readonly AccessRule[]): BpfInstruction[] {
  const program = [...PROLOGUE]
  for (const rule of effectiveRules(rules).reverse()) {
    if ((rule.major ?? 0) > MAX_NUMBER || (rule.minor ?? 0) > MAX_NUMBER) continue
    // The rules before it were dropped as pointless: this one is the default.
    if (isDefault(rule)) return [...program, ...answer(rule.allow)]
    program.push(...ruleBlock(rule))
  }
  return [...program, ...answer(false)]
}

/** Jumps go to the block's end, the next rule. */
function ruleBlock(rule: AccessRule): BpfInstruction[] {
  const verdict = rule.allow
    ? [insn(ALU32_AND_K, LEFT, ALL_ACCESS & ~rule.access), insn(JNE_K, LEFT, 0, 2), ...answer(true)]
    : [insn(JSET_K, LEFT, rule.access, 1), insn(JA, 0, 0, 2), ...answer(false)]
  const tests: [register: number, value: number][] = []
  if (rule.type !== 'a') tests.push([TYPE, rule.type === 'c' ? BPF_DEVCG_DEV_CHAR : BPF_DEVCG_DEV_BLOCK])
  if (rule.major !== undefined) tests.push([MAJOR, rule.major])
  if (rule.minor !== undefined) tests.push([MINOR, rule.minor])
  const jumps = tests.map(([register, value], index) => {
    return insn(JNE_K, register, value, tests.length - 1 - index + verdict.length)
  })
  return [...jumps, ...verdict]
}
