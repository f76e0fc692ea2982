/** The programs of `kill` and `state` that are prepared. */
import { describe, expect, test } from 'vitest'
import { buildAsked } from '../../../src/plan/asked.ts'
import { printStep } from '../../../src/plan/print.ts'
import { ASKED as INPUT } from './samples.ts'

const words = (program: 'stage' | 'init', input = INPUT) => buildAsked(input)[program].map(printStep)

describe('what is prepared', () => {
  test('kill: look, signal, and after SIGKILL look whether it can die', () => {
    expect(words('stage')).toMatchInlineSnapshot(`
      [
        "expect "state.json" in slot 3 to begin with "{\\"format\\":1,"",
        "expect "/proc/sys/kernel/random/boot_id" to begin with "b-o-o-t\\n"",
        "pidfd_open(77, 0) => slot 7",
        "verify slot 7 is inode 8589934597",
        "readlinkat(-100, "/proc/77/exe", bytes, 1)",
        "expect "/cg/freezer.state" to begin with "THAWED\\n"",
        "expect "/cg2/cgroup.events" to begin with "populated 1\\nfrozen 0\\n"",
        "pidfd_send_signal(slot 7, slot 5, 0, 0)",
        "expect "/cg/freezer.state" in slot 6 to begin with "THAWED\\n" (if open) tolerate ENOENT,ENODEV",
        "exit_group(0)",
      ]
    `)
  })

  test('state: look, and say what it is', () => {
    expect(words('init')).toMatchInlineSnapshot(`
      [
        "expect "state.json" in slot 3 to begin with "{\\"format\\":1,"",
        "expect "/proc/sys/kernel/random/boot_id" to begin with "b-o-o-t\\n"",
        "pidfd_open(77, 0) => slot 7",
        "verify slot 7 is inode 8589934597",
        "readlinkat(-100, "/proc/77/exe", bytes, 1)",
        "expect "/cg/freezer.state" to begin with "THAWED\\n"",
        "expect "/cg2/cgroup.events" to begin with "populated 1\\nfrozen 0\\n"",
        "rt_sigaction(13, bytes, 0, 8)",
        "rt_sigaction(25, bytes, 0, 8)",
        "faccessat2(slot 3, "start.sock", 0, 0) tolerate ENOENT skip 5",
        "open "/proc/77/exe" => slot 2",
        "verify slot 2 is a link to "/memfd:davit-init (deleted)"",
        "fcntl(1, 1030, 0) => slot 2",
        "write "is created" to slot 2",
        "exit_group(0)",
        "fcntl(1, 1030, 0) => slot 2",
        "write "is running" to slot 2",
        "exit_group(0)",
      ]
    `)
  })

  test('of a container that was started at once state knows one word; of a long one none', () => {
    const { socket: _, ...started } = INPUT
    expect(words('init', started).slice(-2)).toEqual(['write "is running" to slot 2', 'exit_group(0)'])
    expect(words('init', started).join()).not.toContain('start.sock')
    expect(words('init', { ...INPUT, created: 'ü'.repeat(2048) }).at(-1)).toBe('exit_group(0)')
    expect(words('init', { ...INPUT, created: 'ü'.repeat(2049) })).toEqual(['close(-1)'])
  })
})
