/** Lowering of file and mount steps. */
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_RECURSIVE,
  AT_SYMLINK_NOFOLLOW,
  archOpenFlags,
  O_CLOEXEC,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  S_IFDIR,
} from '../kernel/files.ts'
import {
  MNT_DETACH,
  MOVE_MOUNT_F_EMPTY_PATH,
  MOVE_MOUNT_T_EMPTY_PATH,
  MS_MOVE,
  MS_REC,
  MS_SLAVE,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from '../kernel/mount.ts'
import {
  type Arch,
  bytesOf,
  callRecord,
  dirArg,
  type Lowering,
  packStrings,
  type StepOf,
  struct,
  text,
  type WireArg,
  type WireRecord,
} from './lower.ts'
import { VERIFY } from './ops.ts'

const O_CREAT = 0o100

/** makedev(3) as the kernel's mknod and statx's packed form take it. */
function deviceNumber(major: number, minor: number): number {
  return (minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)
}

function open(step: StepOf<'open'>, arch: Arch): WireRecord[] {
  const { dir, path, out } = step
  const flags = archOpenFlags(step.flags | O_CLOEXEC, arch)
  const mode = flags & O_CREAT ? 0o600 : 0
  if (!step.inRoot) return [{ ...callRecord('openat', dirArg(dir), text(path), flags, mode), out }]
  const resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | (step.noLinks ? RESOLVE_NO_SYMLINKS : 0)
  const how = struct(24, (view) => {
    view.setBigUint64(0, BigInt(flags), true)
    view.setBigUint64(8, BigInt(mode), true)
    view.setBigUint64(16, BigInt(resolve), true)
  })
  return [{ ...callRecord('openat2', dirArg(dir), text(path), { struct: how }, 24), out }]
}

/** "key=value" sets a string parameter, a lone word a flag; see op_fsmount. */
function parameters(step: StepOf<'fsmount'>): Uint8Array {
  const source = step.source === undefined ? [] : [`ssource`, step.source]
  const options = step.options.flatMap((option) => {
    const cut = option.indexOf('=')
    return cut < 0 ? [`f${option}`] : [`s${option.slice(0, cut)}`, option.slice(cut + 1)]
  })
  return packStrings([...source, ...options])
}

/** What verify compares with. A character device's number is (major << 32) | minor, as statx gives it. */
function verify(step: StepOf<'verify'>): WireRecord[] {
  const { is, slot } = step
  const [kind, expected]: [number, WireArg] =
    is === 'directory'
      ? [VERIFY.type, S_IFDIR]
      : 'char' in is
        ? [VERIFY.char, (BigInt(is.char[0]) << 32n) | BigInt(is.char[1])]
        : [VERIFY.fstype, is.filesystem]
  return [{ op: 'verify', args: [{ slot }, kind, expected] }]
}

/** mount_setattr(2): struct mount_attr. */
function setAttributes(step: StepOf<'setAttributes'>): WireRecord[] {
  const attr = struct(32, (view) => {
    view.setBigUint64(0, BigInt(step.set), true)
    view.setBigUint64(8, BigInt(step.clear), true)
    view.setBigUint64(16, BigInt(step.propagation ?? 0), true)
  })
  const flags = AT_EMPTY_PATH | (step.recursive ? AT_RECURSIVE : 0)
  return [callRecord('mount_setattr', { slot: step.slot }, text(''), flags, { struct: attr }, 32)]
}

/** Runs two records when the stream is of the type, none when it is not; a closed stream is fine too. */
function chownStream(step: StepOf<'chownStream'>): WireRecord[] {
  return [
    { op: 'verify', args: [step.fd, VERIFY.type, step.type], tolerate: ['EILSEQ', 'EBADF'], skip: 1 },
    { ...callRecord('fchown', step.fd, step.uid, -1), tolerate: ['EPERM', 'EINVAL', 'EROFS'] },
  ]
}

/** pivot_root(2) "." onto ".": the old root ends up below the new one and is taken off by fd. */
function pivotRoot({ root }: StepOf<'pivotRoot'>): WireRecord[] {
  const old = 15 // a slot of its own, between the named and the allocated ones
  return [
    { ...callRecord('openat', AT_FDCWD, text('/'), 0o12000000), out: old },
    callRecord('fchdir', { slot: root }),
    callRecord('pivot_root', text('.'), text('.')),
    callRecord('fchdir', { slot: old }),
    // Nothing of what follows may reach the host by propagation.
    callRecord('mount', 0, text('.'), 0, MS_SLAVE | MS_REC, 0),
    callRecord('umount2', text('.'), MNT_DETACH),
    { op: 'close', args: [old] },
    callRecord('chdir', text('/')),
  ]
}

function moveRoot({ root }: StepOf<'moveRoot'>): WireRecord[] {
  return [
    callRecord('fchdir', { slot: root }),
    callRecord('mount', text('.'), text('/'), 0, MS_MOVE, 0),
    callRecord('chroot', text('.')),
    callRecord('chdir', text('/')),
  ]
}

export const LOWER_FILE: { readonly [K in FileKinds]: Lowering<K> } = {
  open,
  verify,
  setAttributes,
  chownStream,
  pivotRoot,
  moveRoot,
  close: ({ slot }) => [{ op: 'close', args: [slot] }],
  makePath: ({ out, root, path, type, mode }) => {
    const kind = type === 'directory' ? 0 : type === 'file' ? 1 : 2
    return [
      {
        op: 'mkpath',
        out,
        args: [{ slot: root }, text(path), kind, mode, typeof type === 'object' ? { slot: type.like } : -1],
      },
    ]
  },
  write: ({ dir, path, data }) => [{ op: 'write', args: [dirArg(dir), text(path), { bytes: bytesOf(data) }, 1] }],
  writeSlot: ({ slot, data }) => [{ op: 'write', args: [{ slot }, text(''), { bytes: bytesOf(data) }, 1] }],
  mkdir: ({ dir, path, mode }) => [callRecord('mkdirat', dirArg(dir), text(path), mode)],
  mknod: ({ dir, path, mode, device }) => [
    callRecord('mknodat', dirArg(dir), text(path), mode, deviceNumber(...device)),
  ],
  symlink: ({ dir, path, target }) => [callRecord('symlinkat', text(target), dirArg(dir), text(path))],
  unlink: ({ dir, path }) => [callRecord('unlinkat', dirArg(dir), text(path), 0)],
  chown: ({ dir, path, uid, gid }) => [
    callRecord('fchownat', dirArg(dir), text(path), uid, gid, path === '' ? AT_EMPTY_PATH : AT_SYMLINK_NOFOLLOW),
  ],
  chmod: ({ dir, path, mode }) => [callRecord('fchmodat', dirArg(dir), text(path), mode)],
  chdir: ({ path }) => [{ op: 'chdir', args: [text(path)] }],
  fchdir: ({ slot }) => [callRecord('fchdir', { slot })],
  umask: ({ mask }) => [callRecord('umask', mask)],
  fsmount: (step) => [
    {
      op: 'fsmount',
      out: step.out,
      args: [
        text(step.type),
        { bytes: parameters(step) },
        step.attributes,
        step.modeLike === undefined ? -1 : { slot: step.modeLike },
      ],
    },
  ],
  cloneTree: ({ out, dir, path, recursive, noFollow }) => {
    const flags =
      OPEN_TREE_CLONE |
      OPEN_TREE_CLOEXEC |
      (recursive ? AT_RECURSIVE : 0) |
      (path === '' ? AT_EMPTY_PATH : 0) |
      (noFollow ? AT_SYMLINK_NOFOLLOW : 0)
    return [{ ...callRecord('open_tree', dirArg(dir), text(path), flags), out }]
  },
  attach: ({ mount, to }) => [
    callRecord(
      'move_mount',
      { slot: mount },
      text(''),
      { slot: to },
      text(''),
      MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH,
    ),
  ],
  attachAt: ({ mount, path }) => [
    callRecord('move_mount', { slot: mount }, text(''), AT_FDCWD, text(path), MOVE_MOUNT_F_EMPTY_PATH),
  ],
  propagation: ({ path, flags }) => [callRecord('mount', 0, text(path), 0, flags, 0)],
  chroot: ({ root }) => [
    callRecord('fchdir', { slot: root }),
    callRecord('chroot', text('.')),
    callRecord('chdir', text('/')),
  ],
  unmount: ({ path, flags }) => [callRecord('umount2', text(path), flags)],
}

type FileKinds = import('../plan/step.ts').FileStep['kind'] | import('../plan/step.ts').MountStep['kind']
