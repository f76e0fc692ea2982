/** Sockets to the kernel's rtnetlink(7), each of the network namespace that it was made in. */
import { SysError } from '../base/errors.ts'
import { openFile, withFd } from '../ffi/file.ts'
import { must, sys, sysError } from '../ffi/native.ts'
import { O_RDONLY } from '../kernel/files.ts'
import { NAMESPACES } from '../kernel/namespaces.ts'
import {
  AF_NETLINK,
  NETLINK_CAP_ACK,
  NETLINK_EXT_ACK,
  NETLINK_ROUTE,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  SOL_NETLINK,
} from '../kernel/rtnetlink.ts'
import type { Request } from '../wire/link.ts'
import { decodeError, decodeMessages, encodeMessage, type Message } from '../wire/netlink.ts'

const SOCK_RAW = 3
const SOCK_CLOEXEC = 0o2000000
const OWN_NAMESPACE = '/proc/thread-self/ns/net'

/** As large as the kernel makes any part of a dump. */
const buffer = new Uint8Array(65536)

/** struct sockaddr_nl: family, port, groups. */
const sender = new Uint32Array(3)
const senderSize = Uint32Array.of(sender.byteLength)

let sequence = 0

const TRIES = 10

/** A socket in our own network namespace. */
export function openRtnetlink(): number {
  const fd = must('socket of rtnetlink', sys('socket', AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE))
  // An old kernel that lacks them only says less.
  for (const option of [NETLINK_CAP_ACK, NETLINK_EXT_ACK])
    sys('setsockopt', fd, SOL_NETLINK, option, Int32Array.of(1), 4)
  return fd
}

/** Our own network namespace, as an fd. */
export function ownNetworkNamespace(): number {
  return openFile(OWN_NAMESPACE, O_RDONLY)
}

/**
 * A socket in another network namespace. This thread is in it for a moment only, in which nothing else runs; the other
 * threads stay where they are.
 */
export function openRtnetlinkIn(namespace: number): number {
  const enter = (fd: number) => must('setns into a network namespace', sys('setns', fd, NAMESPACES.network.flag))
  return withFd(ownNetworkNamespace(), (own) => {
    // SAFETY: who may not enter the namespace that is its own could not come back to it.
    enter(own)
    enter(namespace)
    try {
      return openRtnetlink()
    } finally {
      enter(own)
    }
  })
}

/** Sends a request and returns its answers. `what` is what is being done, for the error. */
export function request(socket: number, what: string, { type, flags, fixed, attributes }: Request): Message[] {
  const dump = (flags & NLM_F_DUMP) === NLM_F_DUMP
  for (let tries = 0; ; tries++) {
    const number = ++sequence
    const bytes = encodeMessage(
      { type, flags: flags | NLM_F_REQUEST | (dump ? 0 : NLM_F_ACK), fixed },
      attributes,
      number,
    )
    must(what, sys('sendto', socket, bytes, bytes.length, 0, null, 0))
    const answers = receiveAnswers(socket, what, number)
    // What changed while it was read is read again.
    if (tries === TRIES || !answers.some((message) => message.flags & NLM_F_DUMP_INTR)) return answers
  }
}

function receiveAnswers(socket: number, what: string, number: number): Message[] {
  const answers: Message[] = []
  for (;;) {
    senderSize[0] = sender.byteLength
    const length = must(what, sys('recvfrom', socket, buffer, buffer.length, 0, sender, senderSize))
    // SAFETY: whoever rules a network namespace may write to any socket in it. The kernel's port is 0.
    if (sender[1] !== 0) continue
    for (const message of decodeMessages(buffer.slice(0, length), number)) {
      if (message.type === NLMSG_ERROR || message.type === NLMSG_DONE) {
        const { errno, said } = decodeError(message)
        if (errno !== 0) throw refusal(what, errno, said)
        return message.flags & NLM_F_DUMP_INTR ? [...answers, message] : answers
      }
      answers.push(message)
    }
  }
}

function refusal(what: string, errno: number, said: string): SysError {
  const { errnoName, message } = sysError(what, errno)
  const text = message.slice(what.length + 2)
  return new SysError(what, errno, errnoName, said === '' ? text : `${text} (${said})`)
}
