/**
 * The standard streams of a container's processes that lead out of it: pipes, sockets, files and terminals of the host.
 * An image holds none of them; who restores gives others in their place. The image's descriptors.json, which runc has
 * too, tells what criu calls each.
 */
import type { InheritFd } from './model.ts'

/** Name of the file in the image. */
export const STREAMS_FILE = 'descriptors.json'

/** Major and minor number. */
type Device = readonly [number, number]

/** A stream as the kernel shows it in /proc/PID/fd and fdinfo. */
export interface Stream {
  /** What the link says. */
  readonly link: string
  /** The mount that a file is on, and its inode; a mount of the container's own is nothing of the host's. */
  readonly outside?: { readonly mount: number; readonly inode: number }
  /** Of a terminal: which, and of which file system. */
  readonly terminal?: { readonly device: Device; readonly filesystem: Device }
}

/** What criu calls a stream that is not the container's own; undefined: it is. */
export function streamKey({ link, outside, terminal }: Stream): string | undefined {
  if (/^(pipe|socket):\[\d+\]$/.test(link)) return link
  if (!outside) return undefined
  if (terminal) return `tty[${deviceWord(terminal.device)}:${deviceWord(terminal.filesystem)}]`
  return `file[${outside.mount.toString(16)}:${outside.inode.toString(16)}]`
}

/** As st_rdev and st_dev of stat(2) have it, in hexadecimal; KERNEL: a minor number has 20 bits, a major one 12. */
function deviceWord([major, minor]: Device): string {
  return ((minor & 0xff) + major * 0x100 + (minor >>> 8) * 0x100000).toString(16)
}

/** What a dump has to be told of a stream so that it leaves it out; a pipe needs no word. */
export function streamExternals(keys: readonly (string | undefined)[]): string[] {
  const words = keys.flatMap((key) => {
    if (key?.startsWith('file[') || key?.startsWith('tty[')) return [key]
    return key?.startsWith('socket:') ? [`unix${key.slice('socket:'.length)}`] : []
  })
  return [...new Set(words)]
}

/** The text of descriptors.json. */
export function streamsText(keys: readonly (string | undefined)[]): string {
  return JSON.stringify(keys.map((key) => key ?? ''))
}

/** Who restores gives its own streams under the names that the image knows; anything else in the file is left alone. */
export function streamFds(text: string): InheritFd[] {
  const list = listOf(text).slice(0, 3)
  const fds = list.map((key, fd) => ({ key: typeof key === 'string' ? key : '', fd }))
  const known = fds.filter(({ key }) => /^((pipe|socket):\[\d+\]|(file|tty)\[[\da-f]+:[\da-f]+\])$/.test(key))
  // Two streams may be one file: criu takes it once.
  return known.filter(({ key }, index) => known.findIndex((other) => other.key === key) === index)
}

function listOf(text: string): readonly unknown[] {
  try {
    const list: unknown = JSON.parse(text)
    return Array.isArray(list) ? list : []
  } catch {
    return []
  }
}
