/** Lowering of namespace, identity and process steps. */
import { CAPABILITY_NAMES } from '../kernel/capabilities.ts'
import {
  CAPABILITY_VERSION,
  KEY_SPEC_SESSION_KEYRING,
  KEYCTL_JOIN_SESSION_KEYRING,
  KEYCTL_SETPERM,
  PR_CAP_AMBIENT,
  PR_CAP_AMBIENT_CLEAR_ALL,
  PR_CAP_AMBIENT_RAISE,
  PR_CAPBSET_DROP,
  SESSION_KEYRING_PERMISSIONS,
} from '../kernel/prctl.ts'
import { type CallArg, type IdentityStep, type NamespaceStep, type ProcessStep, TAGS } from '../plan/step.ts'
import {
  bytesOf,
  callRecord,
  capabilityBits,
  type Lowering,
  packStrings,
  type StepOf,
  struct,
  text,
  type WireArg,
  type WireRecord,
} from './lower.ts'

function capabilityNumber(name: string): number {
  return CAPABILITY_NAMES.indexOf(name as never)
}

function groupList(gids: readonly number[]): Uint8Array {
  return struct(Math.max(4, gids.length * 4), (view) => gids.forEach((gid, i) => void view.setUint32(i * 4, gid, true)))
}

/** capset(2): header with version 3 and pid 0, then two triples of 32 bits each. */
function capset({ effective, permitted, inheritable }: StepOf<'capset'>): WireRecord[] {
  const header = struct(8, (view) => view.setUint32(0, CAPABILITY_VERSION, true))
  const data = struct(24, (view) => {
    for (const [i, names] of [effective, permitted, inheritable].entries()) {
      const bits = capabilityBits(names)
      view.setUint32(i * 4, Number(bits & 0xffffffffn), true)
      view.setUint32(12 + i * 4, Number(bits >> 32n), true)
    }
  })
  return [callRecord('capset', { struct: header }, { struct: data })]
}

/** KERNEL(4.3): clearing is refused where ambient sets are unknown (gVisor); then there is nothing to clear. */
function ambient({ capabilities }: StepOf<'ambient'>): WireRecord[] {
  return [
    { ...callRecord('prctl', PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), tolerate: ['EINVAL'] },
    ...capabilities.map((name) =>
      callRecord('prctl', PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capabilityNumber(name), 0, 0),
    ),
  ]
}

function rlimit({ resource, soft, hard }: StepOf<'rlimit'>): WireRecord[] {
  const limit = struct(16, (view) => {
    view.setBigUint64(0, BigInt(soft), true)
    view.setBigUint64(8, BigInt(hard), true)
  })
  return [callRecord('prlimit64', 0, resource, { struct: limit }, 0)]
}

function hook(step: StepOf<'hook'>): WireRecord[] {
  const strings = packStrings([...step.args, ...step.env])
  const last = (BigInt(step.output) << 32n) | BigInt(step.timeout)
  return [{ op: 'spawn', args: [text(step.path), { bytes: strings }, step.args.length, { slot: step.stdin }, last] }]
}

function callArg(arg: CallArg): WireArg {
  if (typeof arg === 'string') return text(arg)
  if (typeof arg === 'object' && 'bytes' in arg) return { struct: Uint8Array.from(arg.bytes) }
  return arg
}

type Kinds = NamespaceStep['kind'] | IdentityStep['kind'] | ProcessStep['kind']

export const LOWER_PROCESS: { readonly [K in Kinds]: Lowering<K> } = {
  capset,
  ambient,
  rlimit,
  hook,
  unshare: ({ flags }) => [callRecord('unshare', flags)],
  join: ({ slot, flag }) => [callRecord('setns', { slot }, flag)],
  fork: ({ flags }) => [{ op: 'fork', args: [flags] }],
  hostname: ({ name }) => [callRecord('sethostname', text(name), bytesOf(name).length)],
  domainname: ({ name }) => [callRecord('setdomainname', text(name), bytesOf(name).length)],
  netlink: ({ message }) => [{ op: 'netlink', args: [{ bytes: Uint8Array.from(message) }] }],
  prctl: ({ option, args }) => [callRecord('prctl', option, ...args)],
  setsid: () => [callRecord('setsid')],
  keyring: ({ name }) => [
    callRecord('keyctl', KEYCTL_JOIN_SESSION_KEYRING, text(name)),
    callRecord('keyctl', KEYCTL_SETPERM, KEY_SPEC_SESSION_KEYRING, SESSION_KEYRING_PERMISSIONS),
  ],
  setgroups: ({ gids }) => [callRecord('setgroups', gids.length, { struct: groupList(gids) })],
  setgid: ({ gid }) => [callRecord('setresgid', gid, gid, gid)],
  setuid: ({ uid }) => [callRecord('setresuid', uid, uid, uid)],
  boundingDrop: ({ capabilities }) =>
    capabilities.map((name) => callRecord('prctl', PR_CAPBSET_DROP, capabilityNumber(name), 0, 0, 0)),
  jump: () => [{ op: 'jump', args: [] }],
  sync: ({ tag, wait }) => [{ op: 'sync', args: [TAGS[tag], wait ? 1 : 0] }],
  sendFd: ({ tag, slot }) => [{ op: 'sendfd', args: [TAGS[tag], { slot }] }],
  ioctl: ({ slot, request, value, out }) => [
    {
      ...callRecord(
        'ioctl',
        { slot },
        request,
        typeof value === 'number' ? value : { struct: Uint8Array.from(value.bytes) },
      ),
      out,
    },
  ],
  duplicate: ({ slot, to }) => [callRecord('dup3', { slot }, to, 0)],
  findExecutable: ({ candidates }) => [{ op: 'find', args: [{ bytes: packStrings(candidates) }] }],
  waitForStart: ({ slot }) => [{ op: 'wait', args: [{ slot }] }],
  exec: ({ args, env, keepFds }) => [
    { op: 'exec', args: [{ bytes: packStrings([...args, ...env]) }, args.length, 3 + keepFds] },
  ],
  call: ({ name, args, out }) => [{ ...callRecord(name, ...args.map(callArg)), out }],
}
