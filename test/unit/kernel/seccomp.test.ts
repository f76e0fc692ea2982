/** Architectures as linux/audit.h has them: the ELF machine, and bits for its width, byte order and convention. */
import { expect, test } from 'vitest'
import { ARCHITECTURES, type ArchName, FILTER_FLAGS } from '../../../src/kernel/seccomp.ts'
import { defines, header } from './headers.ts'

const audit = header('linux/audit.h')
const machines = header('linux/elf-em.h')
const flags = header('linux/seccomp.h')

/** Where the name differs; x32 is libseccomp's own invention. */
const NAMES: Partial<Record<ArchName, string>> = { SCMP_ARCH_X86: 'I386', SCMP_ARCH_SH: 'SHEL', SCMP_ARCH_SHEB: 'SH' }

test.runIf(audit && machines)('architectures', () => {
  const known = new Map([...defines(audit as string), ...defines(machines as string)])
  known.set('__AUDIT_ARCH_64BIT', 0x80000000).set('__AUDIT_ARCH_LE', 0x40000000)
  known.set('__AUDIT_ARCH_CONVENTION_MIPS64_N32', 0x20000000)
  const value = (name: string): number | undefined => {
    const text = (audit as string).replaceAll('\\\n', '')
    const terms = new RegExp(`#define AUDIT_ARCH_${name}\\s+\\(([^)]*)\\)`).exec(text)?.[1]?.split('|')
    return terms?.reduce((sum, term) => sum + (known.get(term.trim()) ?? Number.NaN), 0)
  }
  const ours = (Object.keys(ARCHITECTURES) as ArchName[]).filter((name) => name !== 'SCMP_ARCH_X32')
  for (const name of ours) expect([name, ARCHITECTURES[name]]).toEqual([name, value(NAMES[name] ?? name.slice(10))])
  expect(ours.length).toBeGreaterThan(20)
  expect(ARCHITECTURES.SCMP_ARCH_X32).toBe((known.get('EM_X86_64') ?? 0) + 0x40000000)
})

test.runIf(flags)('flags of filters', () => {
  const bits = new Map(
    [...(flags as string).matchAll(/(SECCOMP_FILTER_FLAG_\w+)\s+\(1UL << (\d+)\)/g)].map(([, name, bit]) => [
      name,
      2 ** Number(bit),
    ]),
  )
  const { SECCOMP_FILTER_FLAG_TSYNC: ignored, ...rest } = FILTER_FLAGS
  for (const [name, bit] of Object.entries(rest)) expect([name, bit]).toEqual([name, bits.get(name)])
  expect(ignored).toBe(0)
})
