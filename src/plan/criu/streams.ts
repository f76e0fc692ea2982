/**
 * The standard streams of a container's processes that lead out of it: pipes, sockets, files of the host. An image holds
 * none of them; who restores gives others in their place. The image's descriptors.json, which runc has too, tells what
 * criu calls each.
 */
import type { InheritFd } from './model.ts'

/** Name of the file in the image. */
export const STREAMS_FILE = 'descriptors.json'

/** A stream as the kernel shows it in /proc/PID/fd and fdinfo. */
export interface Stream {
  /** What the link says. */
  readonly link: string
  /** The mount that a file is on, and its inode; a mount of the container's own is nothing of the host's. */
  readonly outside?: { readonly mount: number; readonly inode: number }
  readonly terminal: boolean
}

/** What criu calls a stream that is not the container's own; undefined: it is, or is a terminal. */
export function streamKey({ link, outside, terminal }: Stream): string | undefined {
  if (/^(pipe|socket):\[\d+\]$/.test(link)) return link
  if (terminal || !outside) return undefined
  return `file[${outside.mount.toString(16)}:${outside.inode.toString(16)}]`
}

/** What a dump has to be told of a stream so that it leaves it out; a pipe needs no word. */
export function streamExternals(keys: readonly (string | undefined)[]): string[] {
  const words = keys.flatMap((key) => {
    if (key?.startsWith('file[')) return [key]
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
  const fds = list.map((key, fd) => ({ key: String(key), fd }))
  const known = fds.filter(({ key }) => /^((pipe|socket):\[\d+\]|file\[[\da-f]+:[\da-f]+\])$/.test(key))
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
