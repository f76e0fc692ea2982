/** What the device tests compare with: an evaluator of rules as the specification words them, and an eBPF machine. */
import {
  ALU32_AND_K,
  ALU32_RSH_K,
  type BpfInstruction,
  EXIT,
  JA,
  JNE_K,
  JSET_K,
  LDX_W,
  MOV64_K,
} from '../../../../src/kernel/bpf.ts'
import type { AccessRule } from '../../../../src/plan/cgroup/device_rules.ts'

export interface DeviceAccess {
  readonly type: 'b' | 'c'
  readonly major: number
  readonly minor: number
  readonly access: number
}

/** Each requested access on its own: the last rule about the device and that access decides; none denies. */
export function naive(rules: readonly AccessRule[], request: DeviceAccess): boolean {
  return [1, 2, 4].every((bit) => {
    if ((request.access & bit) === 0) return true
    let allowed = false
    for (const rule of rules) {
      if (rule.type !== 'a' && rule.type !== request.type) continue
      if (rule.major !== undefined && rule.major !== request.major) continue
      if (rule.minor !== undefined && rule.minor !== request.minor) continue
      if ((rule.access & bit) !== 0) allowed = rule.allow
    }
    return allowed
  })
}

/** Runs a program on struct bpf_cgroup_dev_ctx; fails on what the kernel's verifier would refuse. */
export function interpret(program: readonly BpfInstruction[], request: DeviceAccess): boolean {
  const context = [(request.access << 16) | (request.type === 'b' ? 1 : 2), request.major, request.minor]
  const registers: (bigint | undefined)[] = [undefined, 0n]
  const read = (register: number) => {
    const value = registers[register]
    if (value === undefined) throw new Error(`r${register} read before it is set`)
    return value
  }
  for (let pc = 0; pc < program.length; pc++) {
    const { op, dst, src, off, imm } = program[pc] as BpfInstruction
    const k64 = BigInt.asUintN(64, BigInt(imm))
    const k32 = BigInt.asUintN(32, BigInt(imm))
    if (op === LDX_W && src === 1 && off % 4 === 0) registers[dst] = BigInt(context[off / 4] as number)
    else if (op === ALU32_AND_K) registers[dst] = BigInt.asUintN(32, read(dst)) & k32
    else if (op === ALU32_RSH_K) registers[dst] = BigInt.asUintN(32, read(dst)) >> k32
    else if (op === MOV64_K) registers[dst] = k64
    else if (op === JNE_K) pc += read(dst) === k64 ? 0 : off
    else if (op === JSET_K) pc += (read(dst) & k64) === 0n ? 0 : off
    else if (op === JA) pc += off
    else if (op === EXIT) return read(0) === 1n
    else throw new Error(`bad instruction at ${pc}: ${JSON.stringify(program[pc])}`)
  }
  throw new Error('fell off the end of the program')
}

/** Whether every instruction can be reached: older verifiers refuse a program with dead code. */
export function reachable(program: readonly BpfInstruction[]): boolean {
  const seen = new Set<number>()
  const walk = (pc: number): void => {
    const insn = program[pc]
    if (insn === undefined) throw new Error(`jump to ${pc}, outside of the program`)
    if (seen.has(pc)) return
    seen.add(pc)
    if (insn.op === EXIT) return
    const jumps = insn.op === JNE_K || insn.op === JSET_K || insn.op === JA
    if (jumps) walk(pc + 1 + insn.off)
    if (insn.op !== JA) walk(pc + 1)
  }
  walk(0)
  return seen.size === program.length
}

/** Numbers in [0, below), the same in every run. */
export function seeded(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const NUMBERS = [undefined, 0, 1, 5, 136]

/** A random list that starts, as all lists do, with a rule about everything. */
export function randomRules(random: (below: number) => number): AccessRule[] {
  const rule = (): AccessRule => ({
    allow: random(2) === 1,
    type: (['a', 'b', 'c'] as const)[random(3)] as 'a',
    major: NUMBERS[random(NUMBERS.length)],
    minor: NUMBERS[random(NUMBERS.length)],
    access: 1 + random(7),
    config: '/linux/resources/devices/0',
  })
  const first: AccessRule = { ...rule(), allow: false, type: 'a', major: undefined, minor: undefined, access: 7 }
  return [first, ...Array.from({ length: random(8) }, rule)]
}

/** Every request that the numbers of {@link randomRules} can tell apart. */
export function allRequests(): DeviceAccess[] {
  const requests: DeviceAccess[] = []
  for (const type of ['b', 'c'] as const) {
    for (const major of [0, 1, 5, 136, 77]) {
      for (const minor of [0, 1, 5, 136, 77]) {
        for (let access = 1; access <= 7; access++) requests.push({ type, major, minor, access })
      }
    }
  }
  return requests
}
