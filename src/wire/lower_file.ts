/** Lowering of file and mount steps: the only place that knows which system calls they are. */
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_RECURSIVE,
  AT_SYMLINK_NOFOLLOW,
  archOpenFlags,
  O_CLOEXEC,
  O_PATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
} from '../kernel/files.ts'
import {
  FSPICK_CLOEXEC,
  FSPICK_EMPTY_PATH,
  MNT_DETACH,
  MOVE_MOUNT_F_EMPTY_PATH,
  MOVE_MOUNT_T_EMPTY_PATH,
  MS_MOVE,
  MS_REC,
  MS_SLAVE,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from '../kernel/mount.ts'
import type { FileStep, MountStep, Slot } from '../plan/step.ts'
import type { Emitter } from './emitter.ts'
import type { Lowering, StepOf } from './lower.ts'
import { VERIFY } from './ops.ts'

const O_CREAT = 0o100
const O_WRONLY = 1
/** A slot of its own, between the named and the allocated ones, for the old root during pivot_root. */
const OLD_ROOT = 15
/** Another, for the target of a mount while it is attached. */
const TARGET = 14

/** makedev(3) as mknod(2) takes it. */
function deviceNumber([major, minor]: readonly [number, number]): number {
  return (minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)
}

function open(step: StepOf<'open'>, out: Emitter): void {
  const flags = archOpenFlags(step.flags | O_CLOEXEC, out.arch)
  const mode = flags & O_CREAT ? 0o600 : 0
  if (!step.inRoot) {
    out.call('openat').dir(step.dir).text(step.path).imm(flags).imm(mode).out(step.out)
    return
  }
  const resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | (step.noLinks ? RESOLVE_NO_SYMLINKS : 0)
  // struct open_how
  out.call('openat2').dir(step.dir).text(step.path).struct(flags, 0, mode, 0, resolve, 0).imm(24).out(step.out)
}

/** The last masked path, and where its record is. */
let masked: { readonly step: StepOf<'maskPath'>; readonly out: Emitter; readonly record: number } | undefined

/** There may be hundreds, which differ in their path only: they share a record. */
function maskPath(step: StepOf<'maskPath'>, out: Emitter): void {
  const { root, path, nullDevice, emptyTmpfs, options } = step
  const { step: last, record } = masked?.out === out ? masked : {}
  const alike = last?.root === root && last.nullDevice === nullDevice && last.emptyTmpfs === emptyTmpfs
  if (alike && last.options === options && record === out.count - 1 && out.lengthen(1, path)) return
  out.op('mask').slot(root).list(parameters(options)).slot(nullDevice).imm(emptyTmpfs).lengthOf(1).lengthen(1, path)
  masked = { step, out, record: out.count - 1 }
}

/** "key=value" sets a string parameter, a lone word a flag; see op_fsmount. */
function parameters(options: readonly string[]): string[] {
  const strings: string[] = []
  for (const option of options) {
    const cut = option.indexOf('=')
    if (cut < 0) strings.push(`f${option}`)
    else strings.push(`s${option.slice(0, cut)}`, option.slice(cut + 1))
  }
  return strings
}

function fsmount(step: StepOf<'fsmount'>, out: Emitter): void {
  const source = step.source === undefined ? [] : ['ssource', step.source]
  out
    .op('fsmount')
    .text(step.type)
    .list([...source, ...parameters(step.options)])
    .imm(step.attributes)
    .out(step.out)
  if (step.modeLike === undefined) out.imm(-1)
  else out.slot(step.modeLike)
}

const TYPES = { directory: S_IFDIR, fifo: S_IFIFO } as const

/** A device's number is (major << 32) | minor, as the executor makes it from statx. */
function verify({ is, slot }: StepOf<'verify'>, out: Emitter): void {
  if (typeof is === 'object' && 'link' in is) return void out.op('verifylink').slot(slot).text(is.link)
  out.op('verify').slot(slot)
  if (typeof is === 'string') out.imm(VERIFY.type).imm(TYPES[is])
  else if ('inode' in is) out.imm(VERIFY.inode).imm(is.inode)
  else if ('char' in is) out.imm(VERIFY.device).wide(is.char[0], is.char[1]).imm(S_IFCHR)
  else if ('block' in is) out.imm(VERIFY.device).wide(is.block[0], is.block[1]).imm(S_IFBLK)
  else out.imm(VERIFY.fstype).imm(is.filesystem)
}

/** mount_setattr(2): struct mount_attr {set, clear, propagation, userns_fd}, 64 bits each. */
function setAttributes(step: StepOf<'setAttributes'>, out: Emitter): void {
  const { slot, recursive, set, clear, propagation = 0 } = step
  const flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0)
  out.call('mount_setattr').slot(slot).text('').imm(flags).struct(set, 0, clear, 0, propagation, 0, 0, 0).imm(32)
}

/** chown when the stream is of the type, nothing when it is not; a closed stream is fine too. */
function chownStream({ fd, type, uid }: StepOf<'chownStream'>, out: Emitter): void {
  out.op('verify').imm(fd).imm(VERIFY.type).imm(type).tolerate(['EILSEQ', 'EBADF'], 1)
  out.call('fchown').imm(fd).imm(uid).imm(-1).tolerate(['EPERM', 'EINVAL', 'EROFS'])
}

/** pivot_root(2) "." onto ".": the old root ends up below the new one and is taken off by fd. */
function pivotRoot({ root }: StepOf<'pivotRoot'>, out: Emitter): void {
  out
    .call('openat')
    .imm(AT_FDCWD)
    .text('/')
    .imm(O_PATH | O_CLOEXEC)
    .out(OLD_ROOT)
  out.call('fchdir').slot(root)
  out.call('pivot_root').text('.').text('.')
  out.call('fchdir').slot(OLD_ROOT)
  // Nothing of what follows may reach the host by propagation.
  out
    .call('mount')
    .imm(0)
    .text('.')
    .imm(0)
    .imm(MS_SLAVE | MS_REC)
    .imm(0)
  out.call('umount2').text('.').imm(MNT_DETACH)
  out.op('close').imm(OLD_ROOT)
  out.call('chdir').text('/')
}

function moveRoot({ root }: StepOf<'moveRoot'>, out: Emitter): void {
  out.call('fchdir').slot(root)
  out.call('mount').text('.').text('/').imm(0).imm(MS_MOVE).imm(0)
  out.call('chroot').text('.')
  out.call('chdir').text('/')
}

function makePath({ out: slot, root, path, type, mode }: StepOf<'makePath'>, out: Emitter): void {
  out.op('mkpath').slot(root).text(path).out(slot)
  if (typeof type === 'object') out.imm(2).imm(mode).slot(type.like)
  else
    out
      .imm(type === 'directory' ? 0 : 1)
      .imm(mode)
      .imm(-1)
}

function cloneTree(step: StepOf<'cloneTree'>, out: Emitter): void {
  const recursive = step.recursive ? AT_RECURSIVE : 0
  const self = step.path === '' ? AT_EMPTY_PATH : 0
  const noFollow = step.noFollow ? AT_SYMLINK_NOFOLLOW : 0
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive | self | noFollow
  out.call('open_tree').dir(step.dir).text(step.path).imm(flags).out(step.out)
}

/** move_mount(2) by fds; then both fds have served. */
function attach(mount: Slot, to: Slot, keep: boolean | undefined, out: Emitter): void {
  const flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH
  out.call('move_mount').slot(mount).text('').slot(to).text('').imm(flags)
  out.op('close').imm(to)
  if (!keep) out.op('close').imm(mount)
}

function place({ mount, root, path, type, noLinks, keep }: StepOf<'place'>, out: Emitter): void {
  const kind = type === 'directory' ? 0 : type === 'file' ? 1 : 2
  out.op('mkpath').slot(root).text(path).imm(kind).imm(0o755).out(TARGET)
  if (kind === 2) out.slot(mount)
  else out.imm(-1)
  if (noLinks) {
    const resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS
    const flags = O_PATH | O_CLOEXEC
    out.call('openat2').slot(root).text(path).struct(flags, 0, 0, 0, resolve, 0).imm(24).out(TARGET)
  }
  attach(mount, TARGET, keep, out)
}

export const LOWER_FILE: { readonly [K in FileStep['kind'] | MountStep['kind']]: Lowering<K> } = {
  open,
  fsmount,
  verify,
  setAttributes,
  chownStream,
  pivotRoot,
  moveRoot,
  makePath,
  cloneTree,
  close: ({ slot }, out) => void out.op('close').imm(slot),
  write: ({ dir, path, data }, out) => void out.op('write').dir(dir).text(path).plain(data).imm(O_WRONLY),
  writeSlot: ({ slot, data }, out) => void out.op('write').slot(slot).text('').plain(data).imm(O_WRONLY),
  mkdir: ({ dir, path, mode }, out) => void out.call('mkdirat').dir(dir).text(path).imm(mode),
  mknod: ({ dir, path, mode, device }, out) =>
    void out.call('mknodat').dir(dir).text(path).imm(mode).imm(deviceNumber(device)),
  symlink: ({ dir, path, target }, out) => void out.call('symlinkat').text(target).dir(dir).text(path),
  expect: ({ dir, path, data, is }, out) =>
    void out
      .op('expect')
      .dir(dir)
      .text(path)
      .plain(data)
      .imm(is ? 1 : 0),
  unlink: ({ dir, path }, out) => void out.call('unlinkat').dir(dir).text(path).imm(0),
  chown: ({ dir, path, uid, gid }, out) => {
    const flags = path === '' ? AT_EMPTY_PATH : AT_SYMLINK_NOFOLLOW
    out.call('fchownat').dir(dir).text(path).imm(uid).imm(gid).imm(flags)
  },
  chmod: ({ dir, path, mode }, out) => void out.call('fchmodat').dir(dir).text(path).imm(mode),
  chdir: ({ path }, out) => void out.op('chdir').text(path),
  umask: ({ mask }, out) => void out.call('umask').imm(mask),
  label: ({ slot, label }, out) => void out.call('fsetxattr').slot(slot).text('security.selinux').plain(label).imm(0),
  copyTree: ({ from, to, proc }, out) => void out.op('copytree').slot(from).slot(to).slot(proc),
  attach: ({ mount, to, keep }, out) => attach(mount, to, keep, out),
  place,
  maskPath,
  readonlyPath: ({ root, path }, out) => void out.op('readonly').slot(root).text(path),
  attachAt: ({ mount, path }, out) => {
    out.call('move_mount').slot(mount).text('').imm(AT_FDCWD).text(path).imm(MOVE_MOUNT_F_EMPTY_PATH)
  },
  propagation: ({ path, flags }, out) => void out.call('mount').imm(0).text(path).imm(0).imm(flags).imm(0),
  chroot: ({ root }, out) => {
    out.call('fchdir').slot(root)
    out.call('chroot').text('.')
    out.call('chdir').text('/')
  },
  unmount: ({ path, flags }, out) => void out.call('umount2').text(path).imm(flags),
  // fspick(2) changes nothing by itself, and picks roots of mounts only.
  verifyMount: ({ slot }, out) => {
    out
      .call('fspick')
      .slot(slot)
      .text('')
      .imm(FSPICK_EMPTY_PATH | FSPICK_CLOEXEC)
      .out(TARGET)
    out.op('close').imm(TARGET)
  },
  // umount2(2) takes no fd, so the mount is given a number of our own to be named by.
  unmountSlot: ({ slot, proc }, out) => {
    out.call('dup3').slot(slot).imm(0).imm(0)
    out.call('fchdir').slot(proc)
    out.call('umount2').text('self/fd/0').imm(MNT_DETACH)
  },
}
