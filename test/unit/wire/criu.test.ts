/** criu's messages, byte by byte where it matters. */
import { describe, expect, test } from 'vitest'
import { decodeResponse, encodeRequest } from '../../../src/wire/criu.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

describe("criu's messages", () => {
  test('have the fields of its rpc.proto', () => {
    // type = 1; opts { images_dir_fd = 5, pid = 7, cg_root { ctrl = "", path = "/x" }, network_lock = 3 }
    const opts = { imagesDirFd: 5, pid: 7, cgRoot: [{ ctrl: '', path: '/x' }], networkLock: 3 }
    expect(hex(encodeRequest({ type: 1, opts }))).toBe('0801121008051007ca01060a0012022f78800403')
    expect(hex(encodeRequest({ type: 6, notifySuccess: false }))).toBe('08061800')
  })

  test('are read, and what is not known is skipped', () => {
    // type = 2, success = true, restore { pid = 300 }, status = 1
    expect(decodeResponse(Buffer.from('08021001220308ac025801', 'hex'))).toEqual({
      type: 2,
      success: true,
      restore: { pid: 300 },
    })
    expect(decodeResponse(Buffer.from('080610012a0708011203616263', 'hex').subarray(0, 4))).toEqual({
      type: 6,
      success: true,
    })
  })

  test('that are cut short are refused', () => {
    expect(() => decodeResponse(Buffer.from('0802100122', 'hex'))).toThrow()
    expect(() => decodeResponse(Buffer.from('0802', 'hex'))).toThrow()
  })
})
