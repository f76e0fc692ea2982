/** What may become of a file on a disk: a list of edits, each of them JSON. */

import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import type { Random } from './random.ts'

const BYTES = ['flip', 'word', 'cut', 'zeros', 'swap', 'copy', 'grow', 'rename', 'theirs'] as const
const FILES = ['mode', 'owner', 'link', 'hard', 'fifo', 'folder', 'nothing'] as const

/** Numbers that an edit has no use for are passed over; so are those that are missing. */
export interface Edit {
  readonly kind: (typeof BYTES)[number] | (typeof FILES)[number]
  readonly at?: number
  readonly to?: number
  readonly size?: number
  /** Another container. */
  readonly whose?: string
}

/** The file as it is made, and how those of others are found. */
export interface Original {
  readonly id: string
  readonly bytes: Buffer
  readonly pathOf: (id: string) => string
  readonly bytesOf: (id: string) => Buffer
}

/** Whole words, as the program has numbers in: of its head mostly, and of all the rest. */
function place(random: Random): number {
  return random.oneIn(2) ? 4 * random.below(16) : random.below(2 ** 16)
}

const MODES = [0o600, 0o400, 0o644, 0o620, 0o602, 0o666, 0, 0o4600]
const WORDS = [0, 1, 2, 3, 64, 255, 256, 0xffff, 0x7fffffff, 0xffffffff]

/** An edit, of the file's bytes mostly. */
export function makeEdit(random: Random, others: readonly string[]): Edit {
  const kind = random.pick(random.oneIn(6) ? FILES : BYTES)
  const whose = random.pick(others)
  const to = kind === 'word' && random.oneIn(2) ? random.pick(WORDS) : place(random)
  if (kind === 'mode') return { kind, to: random.pick(MODES) }
  return { kind, at: place(random), to, size: random.pick([1, 2, 4, 8, 72, 512]), whose }
}

/** The bytes after an edit; those of `original` before any. */
function edited(bytes: Buffer, { kind, at = 0, to = 0, size = 1, whose = '' }: Edit, original: Original): Buffer {
  const length = Math.max(bytes.length, 1)
  const after = Buffer.from(bytes)
  const [from, into] = [at % length, to % length]
  switch (kind) {
    case 'flip':
      if (bytes.length > 0) after[from] = (after[from] ?? 0) ^ (1 << (to % 8))
      return after
    case 'word':
      if (bytes.length >= 4) after.writeUInt32LE(to >>> 0, Math.min(from & ~3, (bytes.length - 4) & ~3))
      return after
    case 'cut':
      return after.subarray(0, from)
    case 'zeros':
      return after.fill(0, from)
    case 'swap':
      bytes.copy(after, into, from, from + size)
      bytes.copy(after, from, into, into + size)
      return after
    case 'copy':
      bytes.copy(after, into, from, from + size)
      return after
    case 'grow':
      return Buffer.concat([after, Buffer.alloc(size, at)])
    case 'rename':
      return Buffer.from(bytes.toString('latin1').replaceAll(`/${original.id}`, `/${whose}`), 'latin1')
    case 'theirs':
      return Buffer.from(original.bytesOf(whose))
    default:
      return after
  }
}

/** What is done to the file itself. */
function change(path: string, { kind, to = 0, whose = '' }: Edit, original: Original): void {
  if (['link', 'hard', 'fifo', 'folder', 'nothing'].includes(kind)) rmSync(path, { recursive: true, force: true })
  if (kind === 'mode') chmodSync(path, to)
  if (kind === 'owner') chownSync(path, 1 + (to % 65000), 0)
  if (kind === 'link') symlinkSync(original.pathOf(whose), path)
  if (kind === 'hard') linkSync(original.pathOf(whose), path)
  if (kind === 'fifo') execFileSync('mkfifo', [path])
  if (kind === 'folder') mkdirSync(path)
}

/** Puts the file in place, as it is after all edits; whether it is still one to be run. */
export function putEdited(path: string, edits: readonly Edit[], original: Original): boolean {
  rmSync(path, { recursive: true, force: true })
  const bytes = edits.reduce((now, edit) => edited(now, edit, original), original.bytes)
  writeFileSync(path, bytes, { mode: 0o600 })
  const [last] = edits.filter(({ kind }) => FILES.includes(kind as (typeof FILES)[number])).slice(-1)
  if (last) change(path, last, original)
  const plain = last === undefined || (last.kind === 'mode' && ((last.to ?? 0) & 0o22) === 0)
  return plain && bytes.equals(original.bytes)
}
