/**
 * The terminal. The pair is opened in the container's own devpts, the peer by TIOCGPTPEER on the master: no name in
 * /dev/pts is ever looked up (CVE-2025-52565), and /dev/console is bound by fd.
 */
import { DEVPTS_SUPER_MAGIC, O_DIRECTORY, O_NOCTTY, O_PATH, O_RDWR } from '../kernel/files.ts'
import { PTMX_DEVICE, TIOCGPTPEER, TIOCSCTTY, TIOCSPTLCK, TIOCSWINSZ, winsizeBytes } from '../kernel/tty.ts'
import { type ProcessContext, SLOT } from './context.ts'
import type { ChildStep } from './step.ts'

const O_CREAT_EXCL_NOFOLLOW = 0o100 | 0o200 | 0o400000

const TERMINAL = { config: '/process/terminal', doing: 'set up the terminal' }

/** The terminal of a container's first process; `bound`: it is to be /dev/console, too. */
export function planConsole(ctx: ProcessContext, bound: boolean): ChildStep[] {
  if (!ctx.spec.process?.terminal) return []
  return [...openTerminal(ctx), ...(bound ? bindConsole(ctx) : []), ...takeTerminal(ctx)]
}

/** The terminal of a process that enters a container; /dev/console stays the first one's. */
export function planExecConsole(ctx: ProcessContext): ChildStep[] {
  if (!ctx.spec.process?.terminal) return []
  const root = { kind: 'open', out: SLOT.root, dir: 'cwd', path: '/', flags: O_PATH | O_DIRECTORY } as const
  return [{ ...root, origin: TERMINAL }, ...openTerminal(ctx), ...takeTerminal(ctx)]
}

const masterSlot = (ctx: ProcessContext) => ctx.scratch(0)
const peerSlot = (ctx: ProcessContext) => ctx.scratch(1)

function openTerminal(ctx: ProcessContext): ChildStep[] {
  const { user, consoleSize } = ctx.spec.process ?? {}
  const [master, peer, origin] = [masterSlot(ctx), peerSlot(ctx), TERMINAL]
  const steps: ChildStep[] = [
    {
      kind: 'open',
      out: master,
      dir: SLOT.root,
      path: '/dev/pts/ptmx',
      flags: O_RDWR | O_NOCTTY,
      inRoot: true,
      origin,
    },
    { kind: 'verify', slot: master, is: { filesystem: DEVPTS_SUPER_MAGIC }, origin },
    { kind: 'verify', slot: master, is: { char: PTMX_DEVICE }, origin },
    { kind: 'ioctl', slot: master, name: 'TIOCSPTLCK', request: TIOCSPTLCK, value: { bytes: [0, 0, 0, 0] }, origin },
    {
      kind: 'ioctl',
      out: peer,
      slot: master,
      name: 'TIOCGPTPEER',
      request: TIOCGPTPEER,
      value: O_RDWR | O_NOCTTY | 0o2000000,
      origin,
    },
  ]
  if (consoleSize) {
    const { height, width } = consoleSize
    const size = { bytes: winsizeBytes(Number(height), Number(width)) }
    steps.push({
      kind: 'ioctl',
      slot: peer,
      name: 'TIOCSWINSZ',
      request: TIOCSWINSZ,
      value: size,
      origin: { ...origin, config: '/process/consoleSize' },
    })
  }
  const uid = user?.uid ?? 0
  // The gid may not be mapped in a user namespace, and devpts has its own idea of it: only the owner is ours.
  if (uid !== 0) steps.push({ kind: 'chown', dir: peer, path: '', uid, gid: -1, origin })
  return steps
}

function bindConsole(ctx: ProcessContext): ChildStep[] {
  const [target, mount] = [ctx.scratch(2), ctx.scratch(3)]
  const doing = { config: '/process/terminal', doing: 'mount the terminal on "/dev/console"' }
  return [
    // CVE-2026-88264: made without following, opened without following; a link in the image stays what it is.
    {
      kind: 'open',
      out: target,
      dir: SLOT.dev,
      path: 'console',
      flags: O_CREAT_EXCL_NOFOLLOW,
      tolerate: ['EEXIST'],
      skip: 0,
      origin: doing,
    },
    {
      kind: 'open',
      out: target,
      dir: SLOT.dev,
      path: 'console',
      flags: O_PATH,
      inRoot: true,
      noLinks: true,
      origin: doing,
    },
    { kind: 'cloneTree', out: mount, dir: peerSlot(ctx), path: '', recursive: false, origin: doing },
    { kind: 'attach', mount, to: target, origin: doing },
  ]
}

/** Hands the master to the parent and makes the other side the streams and the controlling terminal. */
function takeTerminal(ctx: ProcessContext): ChildStep[] {
  const [master, peer, origin] = [masterSlot(ctx), peerSlot(ctx), TERMINAL]
  return [
    { kind: 'sendFd', tag: 'console', slot: master, origin },
    { kind: 'close', slot: master },
    { kind: 'duplicate', slot: peer, to: 0, origin },
    { kind: 'duplicate', slot: peer, to: 1, origin },
    { kind: 'duplicate', slot: peer, to: 2, origin },
    { kind: 'ioctl', slot: peer, name: 'TIOCSCTTY', request: TIOCSCTTY, value: 0, origin },
    { kind: 'close', slot: peer },
  ]
}
