/** Flags for seccomp(2), and which of them this kernel takes. */
import { RuntimeError } from '../../base/errors.ts'
import { sys } from '../../ffi/native.ts'
import {
  FILTER_FLAGS,
  SECCOMP_FILTER_FLAG_NEW_LISTENER,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
  SECCOMP_SET_MODE_FILTER,
} from '../../kernel/seccomp.ts'
import type { Seccomp } from '../../spec/types.gen.ts'

const EFAULT = -14

/** Whether the kernel knows the flag: it looks at flags first, and then at the program, which is not there. */
function isKnown(flag: number): boolean {
  // KERNEL(5.19): waiting is about listeners, and refused without one.
  const listener = flag === SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0
  return sys('seccomp', SECCOMP_SET_MODE_FILTER, flag | listener, null) === EFAULT
}

/** The names of flags that the kernel takes, of all that config.json may have. */
export function supportedFlags(): string[] {
  return Object.entries(FILTER_FLAGS).flatMap(([name, flag]) => (flag === 0 || isKnown(flag) ? [name] : []))
}

/**
 * The flags for a profile's list. As runc and crun: no list at all (an empty one is a list) means SPEC_ALLOW where that is
 * known, since the mitigation it turns off costs interpreters half their speed. A flag of the list that the kernel does
 * not know is an error.
 */
export function filterFlags(asked: Seccomp['flags'], notify: boolean): number {
  let flags = notify ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0
  if (asked === undefined) {
    return isKnown(SECCOMP_FILTER_FLAG_SPEC_ALLOW) ? flags | SECCOMP_FILTER_FLAG_SPEC_ALLOW : flags
  }
  for (const [index, name] of asked.entries()) {
    const flag = FILTER_FLAGS[name]
    if (flag !== 0 && !isKnown(flag)) {
      const why = `seccomp flag ${name} is not known to this kernel`
      throw new RuntimeError('unsupported', `unsupported config.json: /linux/seccomp/flags/${index}: ${why}`)
    }
    if (flag !== SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV || notify) flags |= flag
  }
  return flags
}
