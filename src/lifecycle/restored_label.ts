/** Whether criu has given restored processes their SELinux label. */
import { RuntimeError } from '../base/errors.ts'
import { signalPidfd } from '../host/process.ts'
import { processLabel } from '../host/selinux.ts'
import { SIGKILL } from '../kernel/prctl.ts'
import type { RestoreFlags } from '../plan/criu/flags.ts'
import type { Process } from '../spec/types.gen.ts'

/**
 * To be asked when the processes have their credentials again, and none runs yet. Kills them if the label is another.
 * SAFETY: a criu that is built without SELinux, as Debian's, leaves labels out of the image without a word, and what it
 * restores is as free as criu itself.
 */
export function checkLabel(
  init: { readonly pid: number; readonly pidfd: number },
  process: Process | undefined,
  flags: RestoreFlags,
): void {
  const wanted = /^selinux:(.+)$/.exec(flags.lsmProfile ?? '')?.[1] ?? process?.selinuxLabel
  if (!wanted) return
  const label = processLabel(init.pid)
  if (label === wanted) return
  // criu, which would let them go on, and waits for us, is ended only after them.
  signalPidfd(init.pidfd, SIGKILL)
  const found = label === undefined ? 'gone' : `"${label}"`
  const why = 'criu was built without SELinux, or the image has another label than config.json'
  throw new RuntimeError('criu', `/process/selinuxLabel: the restored label is ${found}, not "${wanted}": ${why}`)
}
