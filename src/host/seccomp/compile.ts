/** linux.seccomp to a program for the kernel, by libseccomp and in runc's way. */
import { RuntimeError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { closeFd, readFd } from '../../ffi/file.ts'
import { type FilterContext, type LibSeccomp, loadLibSeccomp } from '../../ffi/libseccomp.ts'
import { sys } from '../../ffi/native.ts'
import { MAX_INSTRUCTIONS, SOCK_FILTER_SIZE } from '../../kernel/bpf_classic.ts'
import { errnoText } from '../../kernel/errno.ts'
import { ARCHITECTURES, type ArchName } from '../../kernel/seccomp.ts'
import { defaultAction, filterRules, namedCalls, wantsListener, wantsStub } from '../../plan/seccomp/rules.ts'
import { enosysStub } from '../../plan/seccomp/stub.ts'
import type { Seccomp } from '../../spec/types.gen.ts'
import { memfd } from '../memfd.ts'

const EEXIST = -17
/** The tokens' native one. */
const NATIVE = 0
const UNKNOWN = -1
/** SCMP_FLTATR_CTL_OPTIMIZE and its value for a binary tree. */
const OPTIMIZE = 8
const BINARY_TREE = 2
/** runc's threshold: below it the search costs more than it saves, and with no rules at all libseccomp gets it wrong. */
const MANY_RULES = 32

const NATIVE_ARCH = { x64: 'SCMP_ARCH_X86_64', arm64: 'SCMP_ARCH_AARCH64' } as const
/** What a kernel of the machine can run: no call on it is ever of another architecture. */
const RUNS: Readonly<Record<keyof typeof NATIVE_ARCH, readonly ArchName[]>> = {
  x64: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
  arm64: ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
}

const fail = (place: string, why: string) =>
  new RuntimeError('unsupported', `unsupported config.json: /linux/seccomp${place}: ${why}`)

/** The program as an array of struct sock_filter. Throws RuntimeError 'unsupported' with the place in config.json. */
export function compileProgram(
  profile: Seccomp,
  { arch, strict }: { readonly arch: 'x64' | 'arm64'; readonly strict: boolean },
  log: Log,
): Uint8Array {
  const lib = loadLibSeccomp()
  // KERNEL(5.0) and libseccomp 2.5; the words are runc's.
  if (wantsListener(profile) && lib.apiLevel() < 5) {
    const need = 'Please try with libseccomp >= 2.5.0 and Linux >= 5.7'
    throw fail('', `seccomp notify unsupported: API level: got ${lib.apiLevel()}, want at least 5. ${need}`)
  }
  const context = lib.init(defaultAction(profile))
  if (context === undefined) throw fail('/defaultAction', `${profile.defaultAction} is not supported on this machine`)
  try {
    if (strict) refuseUnknown(lib, profile)
    addArchitectures(lib, context, profile, arch, log)
    addRules(lib, context, profile, log)
    const filter = exported(lib, context)
    const stub = wantsStub(profile) ? enosysStub(newestCalls(lib, profile, arch, log)) : new Uint8Array(0)
    const length = (stub.length + filter.length) / SOCK_FILTER_SIZE
    if (length > MAX_INSTRUCTIONS)
      throw fail('', `the filter has ${length} instructions, the kernel takes ${MAX_INSTRUCTIONS}`)
    return Buffer.concat([stub, filter])
  } finally {
    lib.release(context)
  }
}

/** For who wants to know: mostly profiles name calls of kernels and libraries that are newer than these. */
function refuseUnknown(lib: LibSeccomp, { syscalls = [] }: Seccomp): void {
  for (const [rule, { names }] of syscalls.entries()) {
    const index = names.findIndex((name) => lib.resolve(NATIVE, name) === UNKNOWN)
    if (index >= 0) throw fail(`/syscalls/${rule}/names/${index}`, `unknown seccomp syscall "${names[index]}"`)
  }
}

/**
 * The native one is there from the start. libseccomp takes none of the other byte order, and none that is newer than
 * itself; of those that the machine cannot run no rule is needed.
 */
function addArchitectures(
  lib: LibSeccomp,
  context: FilterContext,
  profile: Seccomp,
  arch: keyof typeof RUNS,
  log: Log,
): void {
  for (const [index, name] of (profile.architectures ?? []).entries()) {
    const result = lib.addArch(context, ARCHITECTURES[name])
    if (result >= 0 || result === EEXIST) continue
    const why = `error adding architecture ${name} to seccomp filter: ${errnoText(-result)}`
    if (RUNS[arch].includes(name)) throw fail(`/architectures/${index}`, why)
    log.debug(`${why}: ignored, as this machine runs no such program`)
  }
}

function addRules(lib: LibSeccomp, context: FilterContext, profile: Seccomp, log: Log): void {
  const rules = filterRules(profile).flatMap((rule) => {
    const call = lib.resolve(NATIVE, rule.name)
    // Profiles name calls of kernels and libraries that are newer than these.
    if (call === UNKNOWN) log.debug(`unknown seccomp syscall "${rule.name}" ignored`)
    return call === UNKNOWN ? [] : [{ ...rule, call }]
  })
  if (rules.length > MANY_RULES && lib.setAttribute(context, OPTIMIZE, BINARY_TREE) < 0)
    log.debug('seccomp binary tree optimization not available')
  for (const { name, action, call, conditions } of rules) {
    const result = lib.addRule(context, action, call, conditions)
    if (result < 0)
      throw fail('/syscalls', `error adding seccomp filter rule for syscall ${name}: ${errnoText(-result)}`)
  }
}

function exported(lib: LibSeccomp, context: FilterContext): Uint8Array {
  const fd = memfd('seccomp-filter')
  try {
    const result = lib.exportBpf(context, fd)
    if (result < 0) throw fail('', `error exporting the seccomp filter: ${errnoText(-result)}`)
    sys('lseek', fd, 0, 0)
    return readFd(fd, 'the seccomp filter')
  } finally {
    closeFd(fd)
  }
}

/** Docker lists no architecture at all on some machines: the native one always counts. */
function newestCalls(lib: LibSeccomp, profile: Seccomp, arch: 'x64' | 'arm64', log: Log): Map<ArchName, number> {
  const names = namedCalls(profile)
  const newest = new Map<ArchName, number>()
  for (const name of new Set<ArchName>([...(profile.architectures ?? []), NATIVE_ARCH[arch]])) {
    let highest = 0
    for (const call of names) highest = Math.max(highest, lib.resolve(ARCHITECTURES[name], call))
    if (highest > 0) newest.set(name, highest)
    else log.debug(`could not find any syscalls for arch ${name}`)
  }
  return newest
}
