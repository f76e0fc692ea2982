import { describe, expect, test } from 'vitest'
import { errnoName, errnoNumber, errnoText } from '../../../src/kernel/errno.ts'
import * as files from '../../../src/kernel/files.ts'
import * as mount from '../../../src/kernel/mount.ts'
import * as prctl from '../../../src/kernel/prctl.ts'
import * as seccomp from '../../../src/kernel/seccomp.ts'
import { allSyscalls } from '../../../src/kernel/syscalls.ts'
import * as tty from '../../../src/kernel/tty.ts'
import { defines, header } from './headers.ts'

const of = (...names: readonly string[]) => {
  const texts = names.map(header)
  return texts.includes(undefined) ? undefined : defines(texts.join('\n'))
}

const x64 = of('asm/unistd_64.h')
const generic = of('asm-generic/unistd.h')
const errno = of('asm-generic/errno-base.h', 'asm-generic/errno.h')
const constants = of(
  'linux/mount.h', 'linux/prctl.h', 'linux/openat2.h', 'linux/keyctl.h', 'linux/capability.h', 'linux/stat.h',
  'linux/magic.h', 'linux/seccomp.h', 'asm-generic/fcntl.h', 'linux/fcntl.h', 'asm-generic/ioctls.h',
) // biome-ignore format: a list

/** Calls newer than the headers that may be installed. */
const NEW = new Set(['statmount', 'listmount', 'open_tree_attr', 'fchmodat2'])

describe('system calls', () => {
  test.runIf(x64 && process.arch === 'x64').each(allSyscalls())('%s on x86_64', (name, number) => {
    const found = x64?.get(`__NR_${name}`)
    if (found === undefined && NEW.has(name)) return
    expect(found).toBe(number)
  })

  test.runIf(generic).each(allSyscalls())('%s on arm64', (name, _, number) => {
    // asm-generic knows some under the name of their 64-bit form.
    const found = generic?.get(`__NR_${name}`) ?? generic?.get(`__NR3264_${name.replace('newfstatat', 'fstatat')}`)
    if (found === undefined && NEW.has(name)) return
    expect(found).toBe(number)
  })
})

describe('errno', () => {
  test.runIf(errno)('every number of the headers, under its name', () => {
    for (const [name, number] of errno ?? []) {
      if (/^E[A-Z0-9]+$/.test(name)) expect([errnoName(number), errnoNumber(name)], name).toEqual([name, number])
    }
  })

  test('texts are what engines look for', () => {
    expect(errnoText(2)).toBe('no such file or directory')
    expect(errnoText(13)).toBe('permission denied')
    expect(errnoText(8)).toBe('exec format error')
    expect(errnoText(1)).toBe('operation not permitted')
    expect(errnoText(4242)).toBe('errno 4242')
    expect(errnoName(4242)).toBe('errno 4242')
    expect(() => errnoNumber('ENOSUCH')).toThrow('unknown errno ENOSUCH')
  })
})

describe('constants', () => {
  /** Names in our tables that the headers spell otherwise, or that are made of several. */
  const attributes = { rdonly: 'RDONLY', nosuid: 'NOSUID', nodev: 'NODEV', noexec: 'NOEXEC', nodiratime: 'NODIRATIME' }

  test.runIf(constants)('of the same name in the headers', () => {
    const ours = { ...files, ...mount, ...prctl, ...seccomp, ...tty }
    // Flags that the header shifts are in seccomp.test.ts.
    const shifted = /^SECCOMP_FILTER_FLAG_/
    const compared = Object.entries(ours).filter(
      ([name, value]) => typeof value === 'number' && constants?.has(name) && !shifted.test(name),
    )
    // asm-generic has O_DIRECTORY and O_NOFOLLOW as x86_64 has them.
    for (const [name, value] of compared) expect([name, value]).toEqual([name, constants?.get(name)])
    expect(compared.length).toBeGreaterThan(50)
  })

  test.runIf(constants)('attributes of mounts', () => {
    for (const [name, suffix] of Object.entries(attributes)) {
      expect(mount.ATTR[name as keyof typeof attributes], name).toBe(constants?.get(`MOUNT_ATTR_${suffix}`))
    }
    expect(mount.ATTR.noatime).toBe(constants?.get('MOUNT_ATTR_NOATIME'))
    expect(mount.ATTR.strictatime).toBe(constants?.get('MOUNT_ATTR_STRICTATIME'))
    expect(mount.ATTR.atimeMask).toBe(constants?.get('MOUNT_ATTR__ATIME'))
    expect(mount.ATTR.idmap).toBe(constants?.get('MOUNT_ATTR_IDMAP'))
    expect(mount.ATTR.nosymfollow).toBe(constants?.get('MOUNT_ATTR_NOSYMFOLLOW'))
  })

  test('the size of a terminal', () => {
    expect(tty.winsizeBytes(300, 80)).toEqual([44, 1, 80, 0, 0, 0, 0, 0])
  })
})
