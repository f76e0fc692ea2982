/** rtnetlink sockets of davit's own: nobody but the kernel answers. */
import { expect, test } from 'vitest'
import { closeFd } from '../../src/ffi/file.ts'
import { must, sys } from '../../src/ffi/native.ts'
import { openRtnetlink, request } from '../../src/host/netlink.ts'
import { decodeLink, getLink } from '../../src/wire/link.ts'
import { requires } from '../support/requires.ts'

const AF_NETLINK = 16
const NLMSG_ERROR = 2
const EIO = 5
/** Else the kernel chooses one, mostly the pid. */
const PORT = 0x40000000 + process.pid

test.runIf(requires('root'))('an answer that another process has sent is none', () => {
  const [socket, other] = [openRtnetlink(), openRtnetlink()]
  try {
    const find = () => request(socket, 'find', getLink('lo')).flatMap((message) => decodeLink(message) ?? [])
    must('bind', sys('bind', socket, Uint32Array.of(AF_NETLINK, PORT, 0), 12))
    expect(find()).toMatchObject([{ name: 'lo' }])
    // For whichever request is the next: struct nlmsghdr and struct nlmsgerr.
    for (let number = 1; number <= 8; number++) {
      const forged = Int32Array.of(36, NLMSG_ERROR, number, 0, -EIO, 0, 0, 0, 0)
      const to = Uint32Array.of(AF_NETLINK, PORT, 0)
      must('forge an answer', sys('sendto', other, forged, forged.byteLength, 0, to, 12))
    }
    expect(find()).toMatchObject([{ name: 'lo' }])
  } finally {
    closeFd(socket)
    closeFd(other)
  }
})
