/** Netlink messages, netlink(7): a header, a structure, attributes; all of it aligned to four bytes. Pure. */
import { NLM_F_ACK_TLVS, NLMSGERR_ATTR_MSG } from '../kernel/rtnetlink.ts'

/** struct nlmsghdr and struct rtattr. */
const HEADER = 16
const ATTRIBUTE = 4

const align = (length: number) => (length + 3) & ~3

/** Type and content of an attribute. */
export type Attribute = readonly [type: number, value: Uint8Array]

/** A message that was received, or is to be sent. */
export interface Message {
  readonly type: number
  readonly flags: number
  /** What is behind the header. */
  readonly body: Uint8Array
}

/** A message with the number that its answers will repeat. `fixed` is the structure that the type asks for. */
export function encodeMessage(
  { type, flags, fixed }: { readonly type: number; readonly flags: number; readonly fixed: Uint8Array },
  attributes: readonly Attribute[],
  sequence: number,
): Uint8Array {
  const sizes = attributes.map(([, value]) => align(ATTRIBUTE + value.length))
  const length = sizes.reduce((sum, size) => sum + size, HEADER + align(fixed.length))
  const bytes = new Uint8Array(length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, length, true)
  view.setUint16(4, type, true)
  view.setUint16(6, flags, true)
  view.setUint32(8, sequence, true)
  bytes.set(fixed, HEADER)
  let at = HEADER + align(fixed.length)
  for (const [i, [kind, value]] of attributes.entries()) {
    view.setUint16(at, ATTRIBUTE + value.length, true)
    view.setUint16(at + 2, kind, true)
    bytes.set(value, at + ATTRIBUTE)
    at += sizes[i] as number
  }
  return bytes
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** The messages of what was received at once that answer the number. One that is cut off ends them. */
export function decodeMessages(bytes: Uint8Array, sequence: number): Message[] {
  const view = viewOf(bytes)
  const messages: Message[] = []
  for (let at = 0; at + HEADER <= bytes.length; ) {
    const length = view.getUint32(at, true)
    if (length < HEADER || at + length > bytes.length) break
    if (view.getUint32(at + 8, true) === sequence) {
      const body = bytes.subarray(at + HEADER, at + length)
      messages.push({ type: view.getUint16(at + 4, true), flags: view.getUint16(at + 6, true), body })
    }
    at += align(length)
  }
  return messages
}

/** The attributes of a body behind its structure, the last of each type. */
export function decodeAttributes(body: Uint8Array, fixed: number): ReadonlyMap<number, Uint8Array> {
  const view = viewOf(body)
  const attributes = new Map<number, Uint8Array>()
  for (let at = align(fixed); at + ATTRIBUTE <= body.length; ) {
    const length = view.getUint16(at, true)
    if (length < ATTRIBUTE || at + length > body.length) break
    // The upper two bits say how the content is to be read.
    attributes.set(view.getUint16(at + 2, true) & 0x3fff, body.subarray(at + ATTRIBUTE, at + length))
    at += align(length)
  }
  return attributes
}

/** An error or the end of a dump: errno, 0 for none, and what the kernel says about it (with NETLINK_CAP_ACK). */
export function decodeError({ flags, body }: Message): { readonly errno: number; readonly said: string } {
  const errno = body.length >= 4 ? Math.abs(viewOf(body).getInt32(0, true)) : 0
  // struct nlmsgerr: the number, and the header of the request.
  const said = flags & NLM_F_ACK_TLVS ? decodeAttributes(body, 4 + HEADER).get(NLMSGERR_ATTR_MSG) : undefined
  return { errno, said: said ? textOf(said) : '' }
}

/** A string with its NUL as an attribute's content, and back. */
export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\0`)
}

export function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0)
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end))
}
