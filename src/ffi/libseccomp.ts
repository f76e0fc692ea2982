/**
 * libseccomp through koffi: only what compiling a filter takes (seccomp_init(3) and its like). It is loaded by its
 * soname, where the system's loader has it; the environment cannot say otherwise, native/entry.c has cleaned it.
 */
import { RuntimeError } from '../base/errors.ts'
import type { Condition } from '../plan/seccomp/rules.ts'
import { koffi } from './native.ts'

const SONAME = 'libseccomp.so.2'

/** scmp_filter_ctx. */
export type FilterContext = bigint

/** Functions return 0 or -errno unless said otherwise; architectures are libseccomp's tokens, 0 the native one. */
export interface LibSeccomp {
  readonly version: readonly [major: number, minor: number, micro: number]
  /** What library and kernel can do together: seccomp_api_get(3). */
  apiLevel(): number
  /** undefined: the action is not known. */
  init(defaultAction: number): FilterContext | undefined
  release(context: FilterContext): void
  addArch(context: FilterContext, token: number): number
  setAttribute(context: FilterContext, attribute: number, value: number): number
  /** The number of a system call, negative for one that only other architectures have, -1 when it is unknown. */
  resolve(token: number, name: string): number
  addRule(context: FilterContext, action: number, call: number, conditions: readonly Condition[]): number
  /** Writes the program to the fd. */
  exportBpf(context: FilterContext, fd: number): number
}

/** struct scmp_arg_cmp: unsigned arg, enum op, two 64-bit numbers. */
const CONDITION_SIZE = 24

function encodeConditions(conditions: readonly Condition[]): Uint8Array {
  const bytes = new Uint8Array(conditions.length * CONDITION_SIZE)
  const view = new DataView(bytes.buffer)
  for (const [i, { index, operator, a, b }] of conditions.entries()) {
    view.setUint32(i * CONDITION_SIZE, index, true)
    view.setUint32(i * CONDITION_SIZE + 4, operator, true)
    view.setBigUint64(i * CONDITION_SIZE + 8, a, true)
    view.setBigUint64(i * CONDITION_SIZE + 16, b, true)
  }
  return bytes
}

/** Loads the library; RuntimeError 'unsupported' when it is not there. */
export function loadLibSeccomp(): LibSeccomp {
  let library: ReturnType<ReturnType<typeof koffi>['load']>
  try {
    library = koffi().load(SONAME)
  } catch (error) {
    const why = (error as Error).message
    throw new RuntimeError('unsupported', `seccomp needs ${SONAME} (package libseccomp2 or libseccomp): ${why}`)
  }
  const bind = (name: string, result: string, ...args: string[]) => library.func(`seccomp_${name}`, result, args)
  const version = koffi().decode(bind('version', 'void *')(), 'uint32', 3)
  const init = bind('init', 'void *', 'uint32')
  const ruleAdd = bind('rule_add_array', 'int', 'void *', 'uint32', 'int', 'unsigned int', 'void *')
  return {
    version: [version[0] ?? 0, version[1] ?? 0, version[2] ?? 0],
    apiLevel: bind('api_get', 'unsigned int'),
    init: (action) => init(action) ?? undefined,
    release: bind('release', 'void', 'void *'),
    addArch: bind('arch_add', 'int', 'void *', 'uint32'),
    setAttribute: bind('attr_set', 'int', 'void *', 'int', 'uint32'),
    resolve: bind('syscall_resolve_name_arch', 'int', 'uint32', 'str'),
    addRule: (context, action, call, conditions) =>
      ruleAdd(context, action, call, conditions.length, conditions.length > 0 ? encodeConditions(conditions) : null),
    exportBpf: bind('export_bpf', 'int', 'void *', 'int'),
  }
}
