/** System calls that neither Node nor a shell makes, through the C library of the machine. */
import { spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import { getBuiltinModule } from 'node:process'
import { pause, within } from './host.ts'
import { expect, HostCannot } from './suite.ts'

interface Library {
  readonly symbols: {
    readonly syscall: (number: number, ...args: (number | bigint | Uint8Array | null)[]) => bigint
  }
}

/** What of Bun is used here. */
interface Ffi {
  readonly dlopen: (name: string, symbols: object) => Library
  readonly ptr: (bytes: Uint8Array) => number
}

type Name =
  | 'renameat2'
  | 'prctl'
  | 'socket'
  | 'bind'
  | 'listen'
  | 'accept'
  | 'recvmsg'
  | 'ioctl'
  | 'open_tree'
  | 'mount_setattr'

/** The newer ones have the same number everywhere. */
const NEW = { open_tree: 428, mount_setattr: 442 }

/** By architecture, in the order of Name. */
const NUMBERS: Readonly<Record<string, Readonly<Record<Name, number>>>> = {
  x64: { renameat2: 316, prctl: 157, socket: 41, bind: 49, listen: 50, accept: 43, recvmsg: 47, ioctl: 16, ...NEW },
  arm64: {
    renameat2: 276,
    prctl: 167,
    socket: 198,
    bind: 200,
    listen: 201,
    accept: 202,
    recvmsg: 212,
    ioctl: 29,
    ...NEW,
  },
}

let opened: { readonly ffi: Ffi; readonly library: Library } | undefined

function open(): { readonly ffi: Ffi; readonly library: Library } {
  if (opened) return opened
  // Only where the suite runs, which is Bun: its cases are listed elsewhere, too.
  const ffi = getBuiltinModule('bun:ffi') as unknown as Ffi
  const args = ['i64', ...Array.from({ length: 6 }, () => 'u64')]
  for (const name of ['libc.so.6', 'libc.musl-x86_64.so.1', 'libc.musl-aarch64.so.1']) {
    try {
      opened = { ffi, library: ffi.dlopen(name, { syscall: { args, returns: 'i64' } }) }
      return opened
    } catch {
      // The next one.
    }
  }
  throw new HostCannot('no C library')
}

/** Makes a system call; bytes go by address. Negative when it fails. */
export function call(name: Name, ...args: readonly (number | Uint8Array)[]): number {
  const { ffi, library } = open()
  const number = NUMBERS[process.arch]?.[name]
  if (number === undefined) throw new HostCannot(`no numbers of system calls for ${process.arch}`)
  const words = [...args, ...Array<number>(6).fill(0)].slice(0, 6)
  return Number(
    library.symbols.syscall(number, ...words.map((word) => (typeof word === 'number' ? word : ffi.ptr(word)))),
  )
}

/** Where bytes are, as a pointer within others. */
export const addressOf = (bytes: Uint8Array): bigint => BigInt(open().ffi.ptr(bytes))

const text = (value: string) => Buffer.from(`${value}\0`)
const RENAME_EXCHANGE = 2
const PR_SET_PDEATHSIG = 1
const SIGKILL = 9
const AT_FDCWD = -100

/** Exchanges two names for an hour at most, or until whoever asked for it has ended. */
export function swapForEver(a: string, b: string): void {
  call('prctl', PR_SET_PDEATHSIG, SIGKILL)
  const [one, other] = [text(a), text(b)]
  const end = Date.now() + 3_600_000
  while (Date.now() < end)
    for (let i = 0; i < 1000; i++) call('renameat2', AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE)
}

/** Lets another process exchange two names while `act` runs. */
export function whileSwapping(a: string, b: string, act: () => void): void {
  const script = process.argv[1] ?? ''
  // An executable carries its script at a place that is none.
  const command = script.startsWith('/$bunfs') ? [] : [script]
  const child = spawn(process.execPath, [...command, '--swap', a, b], { stdio: 'ignore' })
  try {
    pause(300)
    act()
  } finally {
    child.kill('SIGKILL')
  }
}

/** A listening socket of the file system that gets file descriptors by SCM_RIGHTS. */
export class Receiver {
  private readonly socket: number

  constructor(path: string) {
    const address = Buffer.alloc(110)
    address.writeUInt16LE(1, 0) // AF_UNIX
    if (address.write(path, 2) > 107) throw new Error(`${path} is too long for a socket`)
    this.socket = call('socket', 1, 1 | 0o2004000, 0) // SOCK_STREAM, not blocking, closed on exec
    if (call('bind', this.socket, address, 110) < 0 || call('listen', this.socket, 16) < 0)
      throw new Error(`cannot listen at ${path}`)
  }

  /** Accepts a connection, which must come within seconds; what came with the first message. */
  receive(): { readonly text: string; readonly fds: readonly number[]; readonly connection: number } {
    let connection = -1
    within(() => {
      connection = call('accept', this.socket, 0, 0)
      return connection >= 0
    })
    expect(connection >= 0, 'nobody has connected to the socket')
    const [data, control, vector, header] = [
      Buffer.alloc(65_536),
      Buffer.alloc(256),
      Buffer.alloc(16),
      Buffer.alloc(56),
    ]
    vector.writeBigUInt64LE(addressOf(data), 0)
    vector.writeBigUInt64LE(BigInt(data.length), 8)
    header.writeBigUInt64LE(addressOf(vector), 16)
    header.writeBigUInt64LE(1n, 24)
    header.writeBigUInt64LE(addressOf(control), 32)
    header.writeBigUInt64LE(BigInt(control.length), 40)
    const length = call('recvmsg', connection, header, 0o10000000000) // MSG_CMSG_CLOEXEC
    const size = Number(control.readBigUInt64LE(0))
    const count = control.readInt32LE(12) === 1 ? (size - 16) / 4 : 0
    const fds = Array.from({ length: Math.max(count, 0) }, (_, i) => control.readInt32LE(16 + 4 * i))
    return { text: data.toString('utf8', 0, Math.max(length, 0)), fds, connection }
  }

  close(): void {
    closeSync(this.socket)
  }
}
