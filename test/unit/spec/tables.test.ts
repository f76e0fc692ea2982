import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { CAPABILITY_NAMES, capabilityNumber } from '../../../src/kernel/capabilities.ts'
import { NAMESPACES } from '../../../src/kernel/namespaces.ts'
import { RLIMITS, rlimitNumber } from '../../../src/kernel/rlimits.ts'
import { sysctlPath } from '../../../src/kernel/sysctl.ts'

/** `#define NAME number` lines of a kernel header; undefined when it is not installed. */
function defines(header: string): ReadonlyMap<string, number> | undefined {
  const path = `/usr/include/${header}`
  if (!existsSync(path)) {
    if (process.env.MUST_RUN === '1') throw new Error(`${path} is missing (linux-libc-dev)`)
    console.log(`skipped: ${path} is missing`)
    return undefined
  }
  const lines = readFileSync(path, 'utf8').matchAll(/^#\s*define\s+(\w+)\s+(0x[0-9a-fA-F]+|\d+)\b/gm)
  return new Map([...lines].map((match) => [match[1] as string, Number(match[2])]))
}

const capability = defines('linux/capability.h')
const resource = defines('asm-generic/resource.h')
const sched = defines('linux/sched.h')

describe('tables against the kernel headers', () => {
  test.runIf(capability)('capabilities', () => {
    for (const [name, number] of capability ?? []) {
      if (/^CAP_[A-Z_]+$/.test(name) && !name.startsWith('CAP_LAST')) expect(capabilityNumber(name), name).toBe(number)
    }
    expect(CAPABILITY_NAMES).toHaveLength(41)
    expect(capabilityNumber('cap_chown')).toBeUndefined()
  })

  test.runIf(resource)('rlimits', () => {
    const limits = [...(resource ?? [])].filter(([name]) => /^RLIMIT_/.test(name))
    expect(Object.fromEntries(limits)).toEqual(RLIMITS)
    expect(rlimitNumber('constructor')).toBeUndefined()
  })

  test.runIf(sched)('namespaces', () => {
    for (const { flag, file } of Object.values(NAMESPACES)) {
      const name = `CLONE_NEW${{ mnt: 'NS' }[file as string] ?? file.toUpperCase()}`
      expect(sched?.get(name), name).toBe(flag)
      expect(existsSync(`/proc/self/ns/${file}`) || file === 'time', file).toBe(true)
    }
  })
})

describe('sysctlPath', () => {
  test.each([
    ['net.ipv4.ip_forward', 'net/ipv4/ip_forward'],
    ['net/ipv4/conf/eno2.100.rp_filter', 'net/ipv4/conf/eno2.100.rp_filter'],
    ['net.ipv4.conf.eno2/100.rp_filter', 'net/ipv4/conf/eno2.100/rp_filter'],
    ['kernel', 'kernel'],
    ['', undefined],
    ['.net', undefined],
    ['net..x', undefined],
    ['net/../kernel/core_pattern', undefined],
    ['net.//.x', undefined],
    ['/net/x', undefined],
  ])('%s', (key, path) => {
    expect(sysctlPath(key)).toBe(path)
  })
})
