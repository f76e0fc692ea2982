/** Lowering of namespace, identity and process steps: the only place that knows which system calls they are. */
import { capabilityNumber } from '../kernel/capabilities.ts'
import { namesOf, or } from '../kernel/capability_bits.ts'
import { cpuMask } from '../kernel/cpu_list.ts'
import { MEMORY_FLAGS, MEMORY_MODES } from '../kernel/memory_policy.ts'
import {
  CAPABILITY_VERSION,
  KEY_SPEC_SESSION_KEYRING,
  KEYCTL_JOIN_SESSION_KEYRING,
  KEYCTL_SETPERM,
  PR_CAP_AMBIENT,
  PR_CAP_AMBIENT_CLEAR_ALL,
  PR_CAP_AMBIENT_RAISE,
  SESSION_KEYRING_PERMISSIONS,
} from '../kernel/prctl.ts'
import {
  IOPRIO_CLASS_SHIFT,
  IOPRIO_CLASSES,
  IOPRIO_WHO_PROCESS,
  PERSONALITIES,
  SCHED_FLAGS,
  SCHED_POLICIES,
} from '../kernel/scheduling.ts'
import type { Filter, IdentityStep, NamespaceStep, ProcessStep, Slot } from '../plan/step.ts'
import { TAGS } from '../plan/tags.ts'
import type { Emitter } from './emitter.ts'
import type { Lowering, StepOf } from './lower.ts'

const NONE = { low: 0, high: 0 }

/** capset(2): a header of version 3 and pid 0, then two triples of 32 bits each. */
function capset({ inheritable, keep = NONE, ...sets }: StepOf<'capset'>, out: Emitter): void {
  const [effective, permitted] = [or(sets.effective, keep), or(sets.permitted, keep)]
  out
    .call('capset')
    .struct(CAPABILITY_VERSION, 0)
    .struct(effective.low, permitted.low, inheritable.low, effective.high, permitted.high, inheritable.high)
}

/** KERNEL(4.3): clearing is refused where ambient sets are unknown (gVisor); then there is nothing to clear. */
function ambient({ capabilities }: StepOf<'ambient'>, out: Emitter): void {
  out.call('prctl').imm(PR_CAP_AMBIENT).imm(PR_CAP_AMBIENT_CLEAR_ALL).tolerate(['EINVAL'])
  // Mostly there are none, and to find that out by their names takes as long as all the rest of a process.
  if ((capabilities.low | capabilities.high) === 0) return
  for (const name of namesOf(capabilities)) {
    out
      .call('prctl')
      .imm(PR_CAP_AMBIENT)
      .imm(PR_CAP_AMBIENT_RAISE)
      .imm(capabilityNumber(name) ?? -1)
  }
}

/** prlimit64(2): struct rlimit64 of two 64-bit numbers. */
function rlimit({ resource, soft, hard }: StepOf<'rlimit'>, out: Emitter): void {
  const limit = new BigUint64Array([BigInt(soft), BigInt(hard)])
  out.call('prlimit64').imm(0).imm(resource).raw(new Uint8Array(limit.buffer)).imm(0)
}

/** struct sched_attr of 56 bytes, which has room for the clamps of utilisation: they stay 0, as nothing gives them. */
function scheduler(step: StepOf<'scheduler'>, out: Emitter): void {
  const { policy, nice, priority, runtime, deadline, period } = step
  const flags = step.flags.reduce((bits, flag) => bits | SCHED_FLAGS[flag], 0)
  const times = [runtime, deadline, period].flatMap(halves)
  const attr = [56, SCHED_POLICIES[policy], flags, 0, nice, priority, ...times, 0, 0]
  out
    .call('sched_setattr')
    .imm(0)
    .struct(...attr)
    .imm(0)
}

/** A number of 64 bits as two of 32, the lower one first. */
function halves(value: string): number[] {
  const wide = BigInt(value)
  return [Number(BigInt.asUintN(32, wide)), Number(wide >> 32n)]
}

/** set_mempolicy(2). KERNEL: of the number of bits given the last is not looked at, so it is one more. */
function memoryPolicy({ mode, flags, nodes }: StepOf<'memoryPolicy'>, out: Emitter): void {
  const bits = flags.reduce<number>((all, flag) => all | MEMORY_FLAGS[flag], MEMORY_MODES[mode])
  out.call('set_mempolicy').imm(bits)
  if (nodes === '') out.imm(0).imm(0)
  else {
    const mask = cpuMask(nodes)
    out.raw(mask).imm(mask.length * 8 + 1)
  }
}

function hook(step: StepOf<'hook'>, out: Emitter): void {
  out
    .op('spawn')
    .text(step.path)
    .list([...step.args, ...step.env])
    .imm(step.args.length)
    .slot(step.stdin)
  out.wide(step.output | (step.errors << 16), Math.min(step.timeout, 0xffffffff)) // seven weeks and no limit are the same to a hook
}

function call({ name, args, out: slot }: StepOf<'call'>, out: Emitter): void {
  out.call(name).out(slot)
  for (const arg of args) {
    if (typeof arg === 'string') out.text(arg)
    else if (typeof arg === 'number') out.imm(arg)
    else if (typeof arg === 'bigint') out.wide(Number((arg >> 32n) & 0xffffffffn), Number(arg & 0xffffffffn))
    else if ('bytes' in arg) out.raw(new Uint8Array(arg.bytes))
    else out.slot(arg.slot)
  }
}

function filter({ flags, program, out: slot }: Filter & { readonly out?: Slot }, out: Emitter): void {
  out.op('filter').imm(flags).bytes(program).imm(TAGS.listener).out(slot)
}

/** sethostname(2) and setdomainname(2) take a length in bytes. */
function named(which: 'sethostname' | 'setdomainname', name: string, out: Emitter): void {
  out.call(which).text(name).imm(new TextEncoder().encode(name).length)
}

/** As many as the largest kernels can be built for; the kernel takes of it what it has. */
const EVERY_CPU = new Uint8Array(8192 / 8).fill(0xff)

type Kinds = NamespaceStep['kind'] | IdentityStep['kind'] | ProcessStep['kind']

export const LOWER_PROCESS: { readonly [K in Kinds]: Lowering<K> } = {
  capset,
  ambient,
  boundingDrop: ({ capabilities }, out) => void out.op('capdrop').wide(capabilities.high, capabilities.low),
  rlimit,
  hook,
  call,
  unshare: ({ flags }, out) => void out.call('unshare').imm(flags),
  join: ({ slot, flag }, out) => void out.call('setns').slot(slot).imm(flag),
  joinProcess: ({ slot, flags }, out) => void out.call('setns').slot(slot).imm(flags),
  fork: ({ flags }, out) => void out.op('fork').imm(flags),
  hostname: ({ name }, out) => named('sethostname', name, out),
  domainname: ({ name }, out) => named('setdomainname', name, out),
  netlink: ({ message }, out) => void out.op('netlink').bytes(new Uint8Array(message)),
  prctl: ({ option, args }, out) => {
    out.call('prctl').imm(option)
    for (const arg of args) out.imm(arg)
  },
  anyCpu: (_, out) => void out.call('sched_setaffinity').imm(0).imm(EVERY_CPU.length).raw(EVERY_CPU),
  affinity: ({ cpus }, out) => {
    const mask = cpuMask(cpus)
    out.call('sched_setaffinity').imm(0).imm(mask.length).raw(mask)
  },
  scheduler,
  ioPriority: (step, out) => {
    const value = (IOPRIO_CLASSES[step.class] << IOPRIO_CLASS_SHIFT) | step.priority
    out.call('ioprio_set').imm(IOPRIO_WHO_PROCESS).imm(0).imm(value)
  },
  personality: ({ domain }, out) => void out.call('personality').imm(PERSONALITIES[domain]),
  memoryPolicy,
  setsid: (_, out) => void out.call('setsid'),
  keyring: ({ name }, out) => {
    out.call('keyctl').imm(KEYCTL_JOIN_SESSION_KEYRING).text(name)
    out.call('keyctl').imm(KEYCTL_SETPERM).imm(KEY_SPEC_SESSION_KEYRING).imm(SESSION_KEYRING_PERMISSIONS)
  },
  setgroups: ({ gids }, out) =>
    void out
      .call('setgroups')
      .imm(gids.length)
      .struct(...gids, 0),
  setgid: ({ gid }, out) => void out.call('setresgid').imm(gid).imm(gid).imm(gid),
  setuid: ({ uid }, out) => void out.call('setresuid').imm(uid).imm(uid).imm(uid),
  jump: (_, out) => void out.op('jump'),
  sync: ({ tag, wait }, out) =>
    void out
      .op('sync')
      .imm(TAGS[tag])
      .imm(wait ? 1 : 0),
  take: ({ tag, out: slot }, out) => void out.op('sync').imm(TAGS[tag]).imm(2).out(slot),
  sendFd: ({ tag, slot }, out) => void out.op('sendfd').imm(TAGS[tag]).slot(slot),
  ioctl: ({ slot, request, value, out: to }, out) => {
    out.call('ioctl').slot(slot).imm(request).out(to)
    if (typeof value === 'number') out.imm(value)
    else out.raw(new Uint8Array(value.bytes))
  },
  duplicate: ({ slot, to }, out) => void out.call('dup3').slot(slot).imm(to).imm(0),
  findExecutable: ({ candidates }, out) => void out.op('find').list(candidates),
  hearEnd: ({ slot }, out) => void out.op('hear').slot(slot),
  waitForStart: ({ slot }, out) => void out.op('wait').slot(slot),
  filter,
  exec: ({ args, env, keepFds, filter: late }, out) => {
    out
      .op('ready')
      .list([...args, ...env])
      .imm(args.length)
      .imm(3 + keepFds)
    if (late) filter(late, out)
    out.op('exec')
  },
}
