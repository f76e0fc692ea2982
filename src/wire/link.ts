/** Interfaces and their addresses as rtnetlink(7) messages. Pure. */
import {
  IFA_ADDRESS,
  IFA_BROADCAST,
  IFA_CACHEINFO,
  IFA_F_PERMANENT,
  IFA_FLAGS,
  IFA_LABEL,
  IFA_LOCAL,
  IFA_PROTO,
  IFA_RT_PRIORITY,
  IFF_UP,
  IFLA_IFNAME,
  IFLA_NET_NS_FD,
  IFNAMSIZ,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_EXCL,
  RT_SCOPE_UNIVERSE,
  RTM_GETADDR,
  RTM_GETLINK,
  RTM_NEWADDR,
  RTM_NEWLINK,
} from '../kernel/rtnetlink.ts'
import { struct32 } from './lower.ts'
import { type Attribute, bytesOf, decodeAttributes, type Message, textOf } from './netlink.ts'

/** What is asked of the kernel; the transport adds what every request has. */
export interface Request {
  readonly type: number
  readonly flags: number
  readonly fixed: Uint8Array
  readonly attributes: readonly Attribute[]
}

/** An interface. */
export interface Link {
  readonly index: number
  readonly name: string
  readonly up: boolean
}

/** struct ifinfomsg: family, type, index, flags, and which of those to change. */
function ifinfomsg(index: number, flags = 0, change = 0): Uint8Array {
  return struct32(0, index, flags, change)
}
const IFINFOMSG = 16

/** The interface of a name. KERNEL: found by an alternative name, too. */
export function getLink(name: string): Request {
  return { type: RTM_GETLINK, flags: 0, fixed: ifinfomsg(0), attributes: [[IFLA_IFNAME, bytesOf(name)]] }
}

export function listLinks(): Request {
  return { type: RTM_GETLINK, flags: NLM_F_DUMP, fixed: ifinfomsg(0), attributes: [] }
}

/** Into the network namespace of the fd, and under a name at once, so that no other is in the way for a moment. */
export function moveLink(index: number, name: string, namespace: number): Request {
  const attributes: Attribute[] = [
    [IFLA_IFNAME, bytesOf(name)],
    [IFLA_NET_NS_FD, struct32(namespace)],
  ]
  return { type: RTM_NEWLINK, flags: 0, fixed: ifinfomsg(index), attributes }
}

export function linkUp(index: number): Request {
  return { type: RTM_NEWLINK, flags: 0, fixed: ifinfomsg(index, IFF_UP, IFF_UP), attributes: [] }
}

export function decodeLink({ type, body }: Message): Link | undefined {
  if (type !== RTM_NEWLINK || body.length < IFINFOMSG) return undefined
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
  const name = decodeAttributes(body, IFINFOMSG).get(IFLA_IFNAME)
  if (name === undefined) return undefined
  return { index: view.getInt32(4, true), name: textOf(name), up: (view.getUint32(8, true) & IFF_UP) !== 0 }
}

/** An address of an interface, with the attributes that make it what it is. */
export interface Address {
  readonly family: number
  readonly prefix: number
  readonly scope: number
  readonly flags: number
  readonly index: number
  readonly attributes: ReadonlyMap<number, Uint8Array>
}

/** struct ifaddrmsg: family, prefix length, flags, scope, a byte each, and the interface's index. */
const IFADDRMSG = 8

/** All addresses of all interfaces. */
export function listAddresses(): Request {
  return { type: RTM_GETADDR, flags: NLM_F_DUMP, fixed: new Uint8Array(IFADDRMSG), attributes: [] }
}

export function decodeAddress({ type, body }: Message): Address | undefined {
  if (type !== RTM_NEWADDR || body.length < IFADDRMSG) return undefined
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
  const attributes = decodeAttributes(body, IFADDRMSG)
  const flags = attributes.get(IFA_FLAGS)
  return {
    family: view.getUint8(0),
    prefix: view.getUint8(1),
    scope: view.getUint8(3),
    // Those beyond eight bits are in the attribute only.
    flags: flags?.length === 4 ? new DataView(flags.buffer, flags.byteOffset, 4).getUint32(0, true) : view.getUint8(2),
    index: view.getUint32(4, true),
    attributes,
  }
}

export function isPermanent({ flags }: Address): boolean {
  return (flags & IFA_F_PERMANENT) !== 0
}

/** SPEC: config-linux.md#network-devices: what goes along with an interface. */
export function isKept(address: Address): boolean {
  return isPermanent(address) && address.scope === RT_SCOPE_UNIVERSE
}

/** A label that has no room is cut, as it must begin with the name. */
function cut(label: string): Uint8Array {
  const bytes = bytesOf(label)
  return bytes.length <= IFNAMSIZ ? bytes : new Uint8Array([...bytes.subarray(0, IFNAMSIZ - 1), 0])
}

/** What of an address is to be said again; the rest the kernel works out. */
const SAID = [IFA_LOCAL, IFA_ADDRESS, IFA_BROADCAST, IFA_CACHEINFO, IFA_FLAGS, IFA_RT_PRIORITY, IFA_PROTO] as const

/** The same address for an interface that was called `before`, and is called `name` now. */
export function addAddress(address: Address, index: number, before: string, name: string): Request {
  const { family, prefix, flags, scope, attributes } = address
  const fixed = new Uint8Array(IFADDRMSG)
  fixed.set([family, prefix, flags & 0xff, scope])
  new DataView(fixed.buffer).setUint32(4, index, true)
  const said = SAID.flatMap((kind): Attribute[] => {
    const value = attributes.get(kind)
    return value ? [[kind, value]] : []
  })
  // IPv4: an alias such as "eth0:1", which by custom begins with the interface's name; without one it is that name.
  const label = attributes.get(IFA_LABEL)
  const alias = label ? textOf(label) : before
  if (alias.startsWith(`${before}:`)) said.push([IFA_LABEL, cut(name + alias.slice(before.length))])
  return { type: RTM_NEWADDR, flags: NLM_F_CREATE | NLM_F_EXCL, fixed, attributes: said }
}
