/**
 * The head of a filter that answers system calls newer than the profile with ENOSYS: a libc that tries a new call and
 * hears EPERM, the usual default, takes that for the answer and fails; after ENOSYS it tries the old one. As in runc
 * "newer" is a number above the highest that the profile names on the architecture.
 */
import {
  type ClassicInstruction,
  DATA_ARCH,
  DATA_NR,
  encodeClassic,
  JEQ_K,
  JGT_K,
  JSET_K,
  LD_W_ABS,
  RET_K,
} from '../../kernel/bpf_classic.ts'
import { errnoNumber } from '../../kernel/errno.ts'
import { ARCHITECTURES, type ArchName, SECCOMP_RET_ERRNO, X32_SYSCALL_BIT } from '../../kernel/seccomp.ts'

/** The highest number named on an architecture. */
export type NewestCalls = ReadonlyMap<ArchName, number>

/** Where a jump goes: the next instruction, the filter after the stub, the answer ENOSYS, or a numbered mark. */
type Target = 'next' | 'filter' | 'enosys' | number
interface Draft {
  readonly code: number
  readonly k: number
  readonly yes?: Target
  readonly no?: Target
  readonly mark?: number
}

const load = (k: number, mark?: number): Draft => ({ code: LD_W_ABS, k, ...(mark === undefined ? {} : { mark }) })
const newer = (than: number): Draft => ({ code: JGT_K, k: than >>> 0, yes: 'enosys', no: 'filter' })

/** The part for one architecture as the kernel counts them: x32 is a part of x86_64. */
function section(mark: number, newest: NewestCalls, arch: ArchName): Draft[] {
  const head = load(DATA_NR, mark)
  if (arch === 'SCMP_ARCH_S390' || arch === 'SCMP_ARCH_S390X') {
    // KERNEL: numbers that do not fit go through call 0; one that the kernel does not know stays 0.
    return [head, { code: JEQ_K, k: 0, yes: 'enosys', no: 'next' }, newer(newest.get(arch) as number)]
  }
  if (arch !== 'SCMP_ARCH_X86_64') return [head, newer(newest.get(arch) as number)]
  const [plain, x32] = [newest.get('SCMP_ARCH_X86_64'), newest.get('SCMP_ARCH_X32')]
  // Without a limit of its own the half is the filter's alone: a wrong architecture where it is not listed.
  if (x32 === undefined)
    return [head, { code: JSET_K, k: X32_SYSCALL_BIT, yes: 'filter', no: 'next' }, newer(plain ?? 0)]
  if (plain === undefined) return [head, { code: JSET_K, k: X32_SYSCALL_BIT, yes: 'next', no: 'filter' }, newer(x32)]
  return [
    head,
    { code: JSET_K, k: X32_SYSCALL_BIT, yes: -mark, no: 'next' },
    newer(plain),
    { ...newer(x32), mark: -mark },
  ]
}

/** The stub as an array of struct sock_filter, to be put before the filter; empty when there is nothing to limit. */
export function enosysStub(newest: NewestCalls): Uint8Array {
  const names = new Set([...newest.keys()].map((name) => (name === 'SCMP_ARCH_X32' ? 'SCMP_ARCH_X86_64' : name)))
  const archs = [...names]
  if (archs.length === 0) return new Uint8Array(0)
  const choice = archs.map((name, i): Draft => {
    return { code: JEQ_K, k: ARCHITECTURES[name], yes: i + 1, no: i + 1 === archs.length ? 'filter' : 'next' }
  })
  const sections = archs.flatMap((name, i) => section(i + 1, newest, name))
  const drafts = [load(DATA_ARCH), ...choice, ...sections]
  return encodeClassic([...link(drafts), { code: RET_K, k: SECCOMP_RET_ERRNO | errnoNumber('ENOSYS') }])
}

/** Jumps as distances. The answer ENOSYS is the instruction after the drafts, the filter the one after that. */
function link(drafts: readonly Draft[]): ClassicInstruction[] {
  return drafts.map(({ code, k, yes = 'next', no = 'next' }, at) => {
    if (code === LD_W_ABS) return { code, k }
    const distance = (to: Target) => {
      if (to === 'next') return 0
      if (typeof to === 'string') return drafts.length - at - (to === 'enosys' ? 1 : 0)
      return drafts.findIndex(({ mark }) => mark === to) - at - 1
    }
    const [jt, jf] = [distance(yes), distance(no)]
    // 23 architectures make less than a hundred instructions.
    if (jt > 255 || jf > 255) throw new Error('bug: a jump of the stub is too long')
    return { code, k, jt, jf }
  })
}
