import { describe, expect, test } from 'vitest'
import { NLM_F_ACK_TLVS, NLMSG_ERROR, RTM_GETLINK, RTM_NEWADDR, RTM_NEWLINK } from '../../../src/kernel/rtnetlink.ts'
import { addAddress, decodeAddress, decodeLink, getLink, isKept, linkUp, moveLink } from '../../../src/wire/link.ts'
import {
  bytesOf,
  decodeAttributes,
  decodeError,
  decodeMessages,
  encodeMessage,
  textOf,
} from '../../../src/wire/netlink.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const bytes = (...parts: readonly string[]) => new Uint8Array(Buffer.from(parts.join('').replaceAll(' ', ''), 'hex'))
const encoded = (request: ReturnType<typeof getLink>, sequence = 7) =>
  encodeMessage({ ...request, flags: request.flags | 5 }, request.attributes, sequence)

describe('requests', () => {
  test('the interface of a name', () => {
    expect(hex(encoded(getLink('eth0')))).toBe(
      ['2c000000120005000700000000000000', '00000000000000000000000000000000', '0900030065746830', '00000000'].join(''),
    )
  })

  test('a move, under a name at once', () => {
    expect(hex(encoded(moveLink(5, 'n0', 9)))).toBe(
      [
        '30000000100005000700000000000000',
        '00000000050000000000000000000000',
        '070003006e300000',
        '08001c0009000000',
      ].join(''),
    )
  })

  test('up', () => {
    expect(hex(encoded(linkUp(5)))).toBe('2000000010000500070000000000000000000000050000000100000001000000')
  })
})

describe('answers', () => {
  const link = encodeMessage(
    { type: RTM_NEWLINK, flags: 0, fixed: bytes('00000100', '05000000', '43100100', '00000000') },
    [
      [1, bytes('020000000007')],
      [3, bytesOf('v0')],
    ],
    7,
  )

  test('an interface', () => {
    const [message] = decodeMessages(link, 7)
    expect(message && decodeLink(message)).toEqual({ index: 5, name: 'v0', up: true })
    expect(message && decodeLink({ ...message, type: RTM_GETLINK })).toBeUndefined()
  })

  test('to another request are left out', () => {
    expect(decodeMessages(link, 8)).toEqual([])
    const both = new Uint8Array([...link, ...link])
    expect(decodeMessages(both, 7)).toHaveLength(2)
    expect(decodeMessages(both.subarray(0, both.length - 1), 7)).toHaveLength(1)
  })

  test('an error, and what the kernel says of it', () => {
    const body = new Uint8Array([...bytes('efffffff', '00'.repeat(16)), ...bytes('0700', '0100'), ...bytesOf('no')])
    expect(decodeError({ type: NLMSG_ERROR, flags: NLM_F_ACK_TLVS, body })).toEqual({ errno: 17, said: 'no' })
    expect(decodeError({ type: NLMSG_ERROR, flags: 0, body })).toEqual({ errno: 17, said: '' })
    expect(decodeError({ type: NLMSG_ERROR, flags: 0, body: bytes('00000000') })).toEqual({ errno: 0, said: '' })
  })

  test('that are damaged are not read beyond their end', () => {
    for (let cut = 0; cut < link.length; cut++) {
      for (let at = 0; at < cut; at++) {
        const damaged = link.slice(0, cut)
        damaged[at] = 0xff
        for (const message of decodeMessages(damaged, 7)) {
          decodeLink({ ...message, type: RTM_NEWLINK })
          decodeAddress({ ...message, type: RTM_NEWADDR })
          decodeError({ ...message, flags: NLM_F_ACK_TLVS })
        }
        decodeAttributes(damaged, 8)
      }
    }
  })

  test('have their attributes as they were said', () => {
    const attributes = [0, 1, 2, 3, 4, 5, 31].map(
      (length) => [length + 1, new Uint8Array(length).fill(length)] as const,
    )
    for (const length of [0, 1, 8, 15, 16]) {
      const fixed = new Uint8Array(length).fill(0xee)
      const [message] = decodeMessages(encodeMessage({ type: 16, flags: 0, fixed }, attributes, 3), 3)
      const found = decodeAttributes(message?.body ?? new Uint8Array(), length)
      expect([...found].map(([kind, value]) => [kind, hex(value)])).toEqual(
        attributes.map(([kind, value]) => [kind, hex(value)]),
      )
    }
  })
})

/** An address message: 10.7.0.2/24 of interface 5, with these flags and label. */
const address = (flags: string, scope: string, label: string) => ({
  type: RTM_NEWADDR,
  flags: 0,
  body: decodeMessages(
    encodeMessage(
      { type: RTM_NEWADDR, flags: 0, fixed: bytes('0218', '80', scope, '05000000') },
      [
        [1, bytes('0a070002')],
        [2, bytes('0a070002')],
        [3, bytesOf(label)],
        [8, bytes(flags)],
        [100, bytes('00')],
      ],
      1,
    ),
    1,
  )[0]?.body as Uint8Array,
})

describe('addresses', () => {
  test.each([
    ['80000000', '00', true],
    ['80020000', '00', true],
    ['00000000', '00', false],
    ['80000000', 'fd', false],
    ['80000000', 'c8', false],
  ])('with flags %s and scope %s go along: %s', (flags, scope, kept) => {
    const decoded = decodeAddress(address(flags, scope, 'v0'))
    expect(decoded && isKept(decoded)).toBe(kept)
  })

  test.each([
    ['v0', undefined],
    ['v0:web', 'eth0:web'],
    ['v0:long-aliases', 'eth0:long-alias'],
    ['other', undefined],
    ['v01:x', undefined],
  ])('the alias %s becomes %s', (label, expected) => {
    const decoded = decodeAddress(address('80000000', '00', label))
    const { fixed, attributes } = addAddress(decoded as NonNullable<typeof decoded>, 9, 'v0', 'eth0')
    expect(hex(fixed)).toBe('0218800009000000')
    expect(attributes.map(([kind]) => kind)).toEqual([2, 1, 8, ...(expected ? [3] : [])])
    expect(attributes.flatMap(([kind, value]) => (kind === 3 ? [textOf(value)] : []))).toEqual(
      expected ? [expected] : [],
    )
  })
})
