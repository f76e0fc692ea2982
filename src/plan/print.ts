/** Puts a plan into words: `davit plan`, golden tests, and the name of a failed call in an error. */

import { SOCK_FILTER_SIZE } from '../kernel/bpf_classic.ts'
import { type CapabilityBits, namesOf } from '../kernel/capability_bits.ts'
import { ATTR } from '../kernel/mount.ts'
import {
  SECCOMP_FILTER_FLAG_LOG,
  SECCOMP_FILTER_FLAG_NEW_LISTENER,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
} from '../kernel/seccomp.ts'
import type { CgroupStep } from './cgroup/model.ts'
import type { RdtPlan } from './rdt_model.ts'
import type { ChildStep, Dir, Filter, HostStep, Plan, Preset } from './step.ts'

type Words = { readonly [K in ChildStep['kind']]: (step: Extract<ChildStep, { kind: K }>) => string }

const at = (dir: Dir, path: string) =>
  dir === 'cwd' ? `"${path}"` : path === '' ? `slot ${dir}` : `"${path}" in slot ${dir}`
const octal = (mode: number) => `0${mode.toString(8)}`
const list = (items: readonly (string | number)[]) => items.join(',')

const names = (bits: CapabilityBits) => namesOf(bits).join(',') || '-'

/** MOUNT_ATTR_* bits by name. */
export function attributeNames(bits: number): string {
  const names = Object.entries(ATTR).filter(([name, bit]) => name !== 'atimeMask' && bit !== 0 && (bits & bit) === bit)
  const atime = (bits & ATTR.atimeMask) === ATTR.atimeMask ? ['atime'] : []
  return [
    ...names.filter(([name]) => atime.length === 0 || !['noatime', 'strictatime'].includes(name)).map(([name]) => name),
    ...atime,
  ].join(',')
}

function propagationName(flags: number): string {
  const recursive = flags & 16384 ? 'r' : ''
  const name = flags & (1 << 17) ? 'unbindable' : flags & (1 << 18) ? 'private' : flags & (1 << 19) ? 'slave' : 'shared'
  return recursive + name
}

/** "a seccomp filter of 183 instructions (SPEC_ALLOW)". */
function filterWords({ program, flags, agent }: Filter): string {
  const names = Object.entries(FLAG_BITS).flatMap(([name, bit]) => (flags & bit ? [name] : []))
  const length = program.length / SOCK_FILTER_SIZE
  const words = `a seccomp filter of ${length} instruction${length === 1 ? '' : 's'}`
  return `${words}${names.length > 0 ? ` (${list(names)})` : ''}${agent ? ` with the agent "${agent}"` : ''}`
}

const FLAG_BITS = {
  LOG: SECCOMP_FILTER_FLAG_LOG,
  SPEC_ALLOW: SECCOMP_FILTER_FLAG_SPEC_ALLOW,
  NEW_LISTENER: SECCOMP_FILTER_FLAG_NEW_LISTENER,
  WAIT_KILLABLE_RECV: SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
}

const WORDS: Words = {
  open: (s) => `open ${at(s.dir, s.path)}${s.inRoot ? ' in-root' : ''}${s.noLinks ? ' no-links' : ''}`,
  close: (s) => `close slot ${s.slot}`,
  makePath: (s) =>
    `make path "${s.path}" in slot ${s.root} (${typeof s.type === 'object' ? `like slot ${s.type.like}` : s.type}, ${octal(s.mode)})`,
  write: (s) => `write "${s.data.trimEnd()}" to ${at(s.dir, s.path)}`,
  writeSlot: (s) => `write "${s.data.trimEnd()}" to slot ${s.slot}`,
  expect: (s) => `expect ${at(s.dir, s.path)} ${s.is ? 'to begin' : 'not to begin'} with ${JSON.stringify(s.data)}`,
  verify: (s) => `verify slot ${s.slot} is ${identity(s.is)}`,
  mkdir: (s) => `mkdir ${at(s.dir, s.path)} ${octal(s.mode)}`,
  mknod: (s) => `mknod ${at(s.dir, s.path)} ${octal(s.mode)} ${s.device.join(':')}`,
  symlink: (s) => `symlink ${at(s.dir, s.path)} -> "${s.target}"`,
  unlink: (s) => `unlink ${at(s.dir, s.path)}`,
  chown: (s) => `chown ${at(s.dir, s.path)} ${s.uid}:${s.gid}`,
  chmod: (s) => `chmod ${at(s.dir, s.path)} ${octal(s.mode)}`,
  chdir: (s) => `chdir "${s.path}" and verify it is inside the root`,
  chownStream: (s) => `chown fd ${s.fd} to ${s.uid} if it is of type ${octal(s.type)}`,
  anyCpu: () => 'sched_setaffinity to every CPU',
  umask: (s) => `umask ${octal(s.mask)}`,
  label: (s) => `label slot ${s.slot} "${s.label}"`,
  fsmount: (s) =>
    `fsmount "${s.type}"${s.source === undefined || s.source === s.type ? '' : ` of "${s.source}"`}${s.options.length ? ` options ${list(s.options)}` : ''}${s.attributes ? ` (${attributeNames(s.attributes)})` : ''}`,
  cloneTree: (s) =>
    `open_tree ${at(s.dir, s.path)} clone${s.recursive ? ' recursive' : ''}${s.noFollow ? ' no-follow' : ''}`,
  setAttributes: (s) =>
    [
      `mount_setattr slot ${s.slot}${s.recursive ? ' recursive' : ''}`,
      ...(s.set ? [`set ${attributeNames(s.set)}`] : []),
      ...(s.clear ? [`clear ${attributeNames(s.clear)}`] : []),
      ...(s.propagation ? [propagationName(s.propagation)] : []),
    ].join(' '),
  copyTree: (s) => `copy slot ${s.from} into slot ${s.to}`,
  attach: (s) => `move_mount slot ${s.mount} to slot ${s.to}`,
  place: (s) =>
    `move_mount slot ${s.mount} to "${s.path}" in slot ${s.root}${s.noLinks ? ' no-links' : ''} (${s.type === 'like' ? 'made like the mount' : s.type})`,
  maskPath: (s) => `mask "${s.path}" in slot ${s.root} (directory: tmpfs ${list(s.options)})`,
  readonlyPath: (s) => `bind "${s.path}" in slot ${s.root} read-only`,
  attachAt: (s) => `move_mount slot ${s.mount} to "${s.path}"`,
  propagation: (s) => `mount --make-${propagationName(s.flags)} "${s.path}"`,
  pivotRoot: (s) => `pivot_root to slot ${s.root}`,
  moveRoot: (s) => `move slot ${s.root} to "/" and chroot`,
  chroot: (s) => `chroot to slot ${s.root}`,
  unmount: (s) => `umount "${s.path}"`,
  verifyMount: (s) => `verify slot ${s.slot} is a mount`,
  unmountSlot: (s) => `umount slot ${s.slot}`,
  unshare: (s) => `unshare ${list(s.names)}`,
  join: (s) => `setns slot ${s.slot}`,
  joinProcess: (s) => `setns slot ${s.slot} [${list(s.names)}]`,
  fork: (s) => `fork init${s.flags ? ' into a new pid namespace' : ''}`,
  hostname: (s) => `sethostname "${s.name}"`,
  domainname: (s) => `setdomainname "${s.name}"`,
  netlink: (s) => `rtnetlink: ${s.what}`,
  affinity: (s) => `sched_setaffinity to ${s.cpus}`,
  scheduler: (s) =>
    [
      `sched_setattr ${s.policy} nice ${s.nice} priority ${s.priority}`,
      ...(s.policy === 'SCHED_DEADLINE' ? [`${s.runtime}/${s.deadline}/${s.period} ns`] : []),
      ...(s.flags.length ? [list(s.flags)] : []),
    ].join(' '),
  ioPriority: (s) => `ioprio_set ${s.class} ${s.priority}`,
  personality: (s) => `personality ${s.domain}`,
  memoryPolicy: (s) => `set_mempolicy ${[s.mode, ...s.flags].join('|')}${s.nodes === '' ? '' : ` of nodes ${s.nodes}`}`,
  prctl: (s) => `prctl ${s.name} ${list(s.args)}`,
  setsid: () => 'setsid',
  keyring: (s) => `keyctl join session keyring "${s.name}"`,
  rlimit: (s) => `setrlimit ${s.name} ${s.soft}:${s.hard}`,
  setgroups: (s) => `setgroups [${list(s.gids)}]`,
  setgid: (s) => `setresgid ${s.gid}`,
  setuid: (s) => `setresuid ${s.uid}`,
  boundingDrop: (s) => `drop from bounding set ${names(s.capabilities)}`,
  capset: (s) =>
    `capset effective ${names(s.effective)} permitted ${names(s.permitted)} inheritable ${names(s.inheritable)}${s.keep ? ` keeping ${names(s.keep)} until exec` : ''}`,
  ambient: (s) => `raise ambient ${names(s.capabilities)}`,
  jump: () => 'jump',
  sync: (s) => `sync ${s.tag}${s.wait ? ' and wait' : ''}`,
  take: () => 'take a mount from the parent',
  sendFd: (s) => `send slot ${s.slot} as ${s.tag}`,
  ioctl: (s) => `ioctl slot ${s.slot} ${s.name}`,
  duplicate: (s) => `dup slot ${s.slot} to fd ${s.to}`,
  hook: (s) => `run "${s.path}" ${JSON.stringify(s.args)}`,
  findExecutable: (s) => `find executable ${s.candidates.map((path) => `"${path}"`).join(' ')}`,
  waitForStart: () => 'wait for start',
  hearEnd: (s) => `wait until slot ${s.slot} is closed without a word`,
  filter: (s) => `load ${filterWords(s)}`,
  exec: (s) => `exec ${JSON.stringify(s.args)}${s.filter ? ` under ${filterWords(s.filter)}` : ''}`,
  call: (s) =>
    `${s.name}(${s.args.map((arg) => (typeof arg === 'object' ? ('slot' in arg ? `slot ${arg.slot}` : 'bytes') : typeof arg === 'string' ? `"${arg}"` : arg)).join(', ')})`,
}

/** The step as words, without its origin: `fsmount "proc" (nosuid)`. */
export function callWords(step: ChildStep): string {
  return (WORDS[step.kind] as (step: ChildStep) => string)(step)
}

function suffix(step: ChildStep): string {
  const out = 'out' in step && step.out !== undefined ? ` => slot ${step.out}` : ''
  const open = step.ifOpen ? ' (if open)' : ''
  const tolerate = step.tolerate
    ? ` tolerate ${list(step.tolerate)}${step.skip ? ` skip ${step.skip}` : ''}`
    : step.kind === 'jump'
      ? ` ${step.skip}`
      : ''
  const config = step.origin?.config ? `  # ${step.origin.config}` : ''
  return `${out}${open}${tolerate}${config}`
}

/** One line for one child step. */
export function printStep(step: ChildStep): string {
  return `${callWords(step)}${suffix(step)}`
}

function mapWords(step: Extract<HostStep, { kind: 'idMaps' }>, kind: 'uid' | 'gid'): string {
  const [map, writer] = kind === 'uid' ? [step.uidMap, step.uidWriter] : [step.gidMap, step.gidWriter]
  return `${kind}_map "${map.trimEnd()}"${writer === 'helper' ? ` by new${kind}map` : ''}`
}

function rdtWords({ group, mustExist, compare, schemata, monitor }: RdtPlan): string {
  const quoted = (lines: readonly string[]) => lines.map((line) => `"${line}"`).join(' ')
  return [
    `${mustExist ? 'find' : 'make'} RDT group "${group}"`,
    ...(compare.length > 0 ? [`one that is there says ${quoted(compare)}`] : []),
    ...(schemata.length > 0 ? [`write ${quoted(schemata)}`] : []),
    ...(monitor ? [`monitor "${monitor}"`] : []),
  ].join(', ')
}

/** One line for one step of the parent. */
export function printHostStep(step: HostStep): string {
  const config = step.origin?.config ? `  # ${step.origin.config}` : ''
  switch (step.kind) {
    case 'launch':
      return `clone init [${list(step.names)}]${step.intoCgroup ? ' into its cgroup' : ''}${config}`
    case 'await':
    case 'answer':
    case 'hear':
      return `${step.kind} ${step.tag}${config}`
    case 'idMaps':
      return `write ${mapWords(step, 'uid')} ${mapWords(step, 'gid')} setgroups ${step.setgroups}${config}`
    case 'give': {
      const { mount } = step
      const call: ChildStep =
        mount.kind === 'tree'
          ? { ...mount, kind: 'cloneTree', dir: 'cwd', out: 0 }
          : { ...mount, kind: 'fsmount', out: 0 }
      return `give ${callWords(call)}${config}`
    }
    case 'idmap': {
      const { map } = step
      const ids =
        'namespace' in map
          ? `as user namespace "${map.namespace}"`
          : `uid_map "${map.uidMap.trimEnd()}" gid_map "${map.gidMap.trimEnd()}"`
      return `idmap the mount${step.recursive ? ' recursive' : ''} ${ids.replaceAll('\n', ', ')}${config}`
    }
    case 'hook':
      return `run hook "${step.hook.path}" with status ${step.status}${config}`
    case 'pidFile':
      return `write pid file "${step.path}"${config}`
    case 'sendPidfd':
      return `send pidfd to "${step.path}"${config}`
    case 'makeRdt':
      return `${rdtWords(step.rdt)}${config}`
    case 'rdtTasks':
      return `write the pid to ${step.files.map((file) => `"${file}"`).join(' ')}${config}`
    case 'netDevice':
      return `${step.origin.doing}${config}`
    case 'listener':
      return `hand the seccomp listener to "${step.listener.path}"${config}`
    default:
      return `${step.kind.replace(/[A-Z]/g, (char) => ` ${char.toLowerCase()}`)}${config}`
  }
}

function printPreset(preset: Preset): string {
  const path =
    'path' in preset
      ? ` "${preset.path}"`
      : 'status' in preset
        ? ` ${preset.status}`
        : 'stream' in preset
          ? ` ${preset.stream}`
          : ''
  const config = 'origin' in preset && preset.origin?.config ? `  # ${preset.origin.config}` : ''
  return `slot ${preset.slot} = ${preset.kind}${path}${config}`
}

function identity(is: Extract<ChildStep, { kind: 'verify' }>['is']): string {
  if (typeof is === 'string') return `a ${is}`
  if ('link' in is) return `a link to "${is.link}"`
  if ('inode' in is) return `inode ${is.inode}`
  if ('char' in is) return `char device ${is.char.join(':')}`
  return 'block' in is ? `block device ${is.block.join(':')}` : `on file system 0x${is.filesystem.toString(16)}`
}

/** One line for one cgroup step. */
export function printCgroupStep(step: CgroupStep): string {
  if (step.kind === 'write') return `write "${step.value}" to ${step.path}${step.config ? `  # ${step.config}` : ''}`
  if (step.kind === 'inherit') return `inherit ${step.files[0]} in ${step.dir}`
  if (step.kind === 'enable') return `enable ${list(step.controllers)} below ${step.dir}`
  if (step.kind === 'give') return `give ${step.dir} to uid ${step.uid}`
  return `check ${step.path} against ${step.limit}  # ${step.config}`
}

/** The whole plan as text. */
export function printPlan(plan: Plan): string {
  const section = (name: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : [`${name}:`, ...lines.map((line, i) => `${String(i).padStart(4)}  ${line}`)]
  return [
    ...section('opened by the parent', plan.presets.map(printPreset)),
    ...section('parent', plan.parent.map(printHostStep)),
    ...section('stage', plan.stage.map(printStep)),
    ...section('init', plan.init.map(printStep)),
    ...section('warnings', plan.warnings),
    '',
  ].join('\n')
}
