/**
 * Moves network interfaces into a container's network namespace, and back if the container does not come to be.
 * SPEC: config-linux.md#network-devices. Once the container is there its interfaces are the namespace's, which the
 * kernel takes apart by itself: what is physical returns to the initial one, what is virtual is destroyed.
 */
import { RuntimeError, SysError } from '../base/errors.ts'
import { closeFd, openFile, statIf } from '../ffi/file.ts'
import { sysError } from '../ffi/native.ts'
import { errnoNumber } from '../kernel/errno.ts'
import { O_RDONLY } from '../kernel/files.ts'
import { nameOf } from '../kernel/interface_name.ts'
import {
  type Address,
  addAddress,
  decodeAddress,
  decodeLink,
  getLink,
  isKept,
  isPermanent,
  type Link,
  linkUp,
  listAddresses,
  listLinks,
  moveLink,
} from '../wire/link.ts'
import { openRtnetlink, openRtnetlinkIn, ownNetworkNamespace, request } from './netlink.ts'

/** Another may take a free number before we do. */
const TRIES = 10

/** An interface as it was here, and its index there. */
interface Moved {
  readonly link: Link
  readonly addresses: readonly Address[]
  readonly index: number
}

/** Two network namespaces, ours and the container's, and what has gone from the one to the other. */
export interface NetMove {
  readonly ours: number
  readonly theirs: number
  readonly namespace: { readonly own: number; readonly container: number }
  readonly moved: Moved[]
}

/** Opens all that moving takes. `pid` is a child of ours that is in the container's network namespace. */
export function openNetMove(pid: number): NetMove {
  const open: number[] = []
  const keep = (fd: number) => {
    open.push(fd)
    return fd
  }
  try {
    const own = keep(ownNetworkNamespace())
    const container = keep(openFile(`/proc/${pid}/ns/net`, O_RDONLY))
    if (statIf('', own)?.inode === statIf('', container)?.inode)
      throw new RuntimeError('create', "the container's network namespace is the one that its devices are in")
    const theirs = keep(openRtnetlinkIn(container))
    return { ours: keep(openRtnetlink()), theirs, namespace: { own, container }, moved: [] }
  } catch (error) {
    for (const fd of open) closeFd(fd)
    throw error
  }
}

/** Closes what {@link openNetMove} has opened; nothing is given back after that. */
export function closeNetMove({ ours, theirs, namespace }: NetMove): void {
  for (const fd of [ours, theirs, namespace.own, namespace.container]) closeFd(fd)
}

/** Moves one interface and sets it up. `name` may be a template; empty: as it is called here. */
export function moveNetDevice(move: NetMove, device: string, name: string): void {
  const link = findLink(move.ours, device)
  const addresses = addressesOf(move.ours, link)
  const there = moveAs(move, { link, addresses }, name === '' ? link.name : name)
  for (const address of addresses.filter(isKept)) addTo(move.theirs, address, link, there)
  request(move.theirs, `rtnetlink: set "${there.name}" up`, linkUp(there.index))
}

function findLink(socket: number, name: string): Link {
  const link = request(socket, `rtnetlink: find "${name}"`, getLink(name)).flatMap(
    (answer) => decodeLink(answer) ?? [],
  )[0]
  if (!link) throw new Error(`bug: rtnetlink has said nothing of "${name}"`)
  return link
}

function addressesOf(socket: number, { index, name }: Link): Address[] {
  return request(socket, `rtnetlink: list the addresses of "${name}"`, listAddresses())
    .flatMap((answer) => decodeAddress(answer) ?? [])
    .filter((address) => address.index === index && isPermanent(address))
}

function addTo(socket: number, address: Address, before: Link, now: Link): void {
  request(socket, `rtnetlink: add an address to "${now.name}"`, addAddress(address, now.index, before.name, now.name))
}

/**
 * The interface as it is there. KERNEL: the index stays or not, so it is asked for by name; a template is filled in here,
 * since the kernel does not tell what it made of one.
 */
function moveAs(move: NetMove, here: Omit<Moved, 'index'>, template: string): Link {
  const { link } = here
  for (let tries = 1; ; tries++) {
    const name = freeName(move.theirs, template)
    const what = `rtnetlink: move "${link.name}" into the container's network namespace as "${name}"`
    // KERNEL: the move comes first, and stays when the name is then refused.
    if (has(move.theirs, name)) throw sysError(what, errnoNumber('EEXIST'))
    try {
      request(move.ours, what, moveLink(link.index, name, move.namespace.container))
      const there = findLink(move.theirs, name)
      move.moved.push({ ...here, index: there.index })
      return there
    } catch (error) {
      const left = !has(move.ours, link.name)
      if (left && has(move.theirs, link.name))
        move.moved.push({ ...here, index: findLink(move.theirs, link.name).index })
      const taken = error instanceof SysError && error.errnoName === 'EEXIST'
      if (left || !taken || name === template || tries === TRIES) throw error
    }
  }
}

function has(socket: number, name: string): boolean {
  try {
    findLink(socket, name)
    return true
  } catch (error) {
    if (error instanceof SysError && error.errnoName === 'ENODEV') return false
    throw error
  }
}

function linksOf(socket: number): Link[] {
  return request(socket, 'rtnetlink: list the interfaces', listLinks()).flatMap((answer) => decodeLink(answer) ?? [])
}

function freeName(socket: number, template: string): string {
  if (!template.includes('%')) return template
  const name = nameOf(template, new Set(linksOf(socket).map((link) => link.name)))
  if (name === undefined) throw new RuntimeError('create', `no name that "${template}" allows is short enough and free`)
  return name
}

/**
 * Takes back all that was moved, the last first: under the old name, with the old addresses, up if it was. Every one is
 * tried; the errors are returned. What the interface had beyond that, routes for example, is lost with its first move.
 * One whose name another has taken meanwhile comes back all the same, under another, which is an error, too.
 */
export function giveBack(move: NetMove): unknown[] {
  const errors: unknown[] = []
  for (const moved of move.moved.splice(0).reverse()) {
    try {
      giveBackOne(move, moved)
    } catch (error) {
      errors.push(error)
    }
  }
  return errors
}

function giveBackOne(move: NetMove, { link, addresses, index }: Moved): void {
  const { ours } = move
  const here = moveBack(move, link, index)
  for (const address of addresses) {
    try {
      addTo(ours, address, link, here)
    } catch (error) {
      // The kernel makes some by itself.
      if (!(error instanceof SysError && error.errnoName === 'EEXIST')) throw error
    }
  }
  if (link.up) request(ours, `rtnetlink: set "${here.name}" up`, linkUp(here.index))
  if (here.name !== link.name)
    throw new Error(`network device "${link.name}" is back as "${here.name}": another has taken its name`)
}

/** What the kernel calls an interface whose name is taken where it returns to. */
const ANY_NAME = 'dev%d'

function moveBack({ ours, theirs, namespace }: NetMove, link: Link, index: number): Link {
  const back = (name: string) =>
    request(theirs, `rtnetlink: move "${link.name}" back`, moveLink(index, name, namespace.own))
  const there = linksOf(theirs).find((each) => each.index === index)
  try {
    back(link.name)
    return findLink(ours, link.name)
  } catch (error) {
    if (!there || !(error instanceof SysError && error.errnoName === 'EEXIST')) throw error
    // KERNEL: it has come with the name that it had there, unless that is taken as well.
    if (there.name !== link.name && !linksOf(theirs).some((each) => each.index === index))
      return findLink(ours, there.name)
    const name = freeName(ours, ANY_NAME)
    back(name)
    return findLink(ours, name)
  }
}
