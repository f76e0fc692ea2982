/** The programs of `start` and `delete` that are prepared. */
import { describe, expect, test } from 'vitest'
import { buildPrepared } from '../../../src/plan/prepared.ts'
import { printStep } from '../../../src/plan/print.ts'
import { PREPARED as INPUT } from './samples.ts'

const words = (program: 'stage' | 'init', input = INPUT) => buildPrepared(input)[program].map(printStep)

describe('what is prepared', () => {
  test('start: lock, look, tell, hear, and only then remove the socket', () => {
    expect(words('stage')).toMatchInlineSnapshot(`
      [
        "flock(slot 3, 2)",
        "faccessat2(slot 3, "prepared", 0, 0)",
        "expect "state.json" in slot 3 to begin with "{\\"format\\":1,"",
        "expect "/cg/freezer.state" to begin with "THAWED\\n"",
        "socket(1, 524293, 0) => slot 2",
        "fcntl(slot 2, 1030, 3) => slot 1",
        "connect(slot 1, bytes, 28)",
        "sendto(slot 1, bytes, 2, 16384, 0, 0)",
        "close slot 2",
        "wait until slot 1 is closed without a word",
        "expect "/proc/77/stat" not to begin with "77 (davit-abc)" tolerate ENOENT,ESRCH",
        "unlink "start.sock" in slot 3",
        "exit_group(slot 4)",
      ]
    `)
  })

  test('delete: only what is gone passes, and the state goes last', () => {
    expect(words('init')).toMatchInlineSnapshot(`
      [
        "flock(slot 3, 6)",
        "faccessat2(slot 3, "prepared", 0, 0)",
        "kill(77, 0) tolerate ESRCH skip 1",
        "close(-1)",
        "faccessat2(-100, "/proc/77", 0, 0) tolerate ENOENT skip 1",
        "close(-1)",
        "unlinkat(-100, "/cg/b", 512) tolerate ENOENT,ENODEV",
        "unlinkat(-100, "/cg/a", 512) tolerate ENOENT,ENODEV",
        "unlink "start.sock" in slot 3 tolerate ENOENT",
        "unlink "state.json" in slot 3 tolerate ENOENT",
        "unlink "prepared" in slot 3 tolerate ENOENT",
        "unlinkat(-100, "/run/davit/one", 512)",
        "exit_group(slot 4)",
      ]
    `)
  })

  test('no start where there is nothing to start, or no room for the address', () => {
    const { socket: _, ...started } = INPUT
    expect(words('stage', started)).toEqual([])
    const long = (length: number) => words('stage', { ...INPUT, folder: `/${'x'.repeat(length)}` }).length
    expect(long(108 - '/'.length - '/start.sock'.length - 1)).toBeGreaterThan(0)
    expect(long(108 - '/'.length - '/start.sock'.length)).toBe(0)
  })
})
