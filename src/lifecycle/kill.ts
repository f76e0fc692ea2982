/** `kill`: a signal to init, or with --all (and for a shared pid namespace) to every process of the container. */
import { RuntimeError } from '../base/errors.ts'
import { closeFd } from '../ffi/file.ts'
import { freezeState } from '../host/cgroup/freeze.ts'
import { killCgroup, signalCgroup } from '../host/cgroup/kill.ts'
import { openPidfd, signalPidfd } from '../host/process.ts'
import type { ContainerRecord } from '../state/record.ts'
import { isAlive, statusOf } from '../state/status.ts'
import { notFound, readRecord } from '../state/store.ts'
import type { Runtime } from './runtime.ts'

const SIGKILL = 9

/** Signals init; the pidfd is taken before the look at who it is, so a pid that is used again is never hit. */
export function signalInit(record: ContainerRecord, signal: number): boolean {
  const pidfd = record.pid > 0 ? openPidfd(record.pid) : undefined
  if (pidfd === undefined) return false
  try {
    return isAlive(record) && signalPidfd(pidfd, signal)
  } finally {
    closeFd(pidfd)
  }
}

/** Sends a signal. A container that is not running is an error, with --all only when nothing is left in its cgroup. */
export function killContainer(runtime: Runtime, id: string, signal: number, all: boolean): void {
  const record = readRecord(runtime.root, id)
  if (!record) throw notFound(id)
  const status = statusOf(`${runtime.root}/${id}`, record)
  const running = new RuntimeError('kill', 'container not running')
  if (all && record.cgroup) {
    if (signal === SIGKILL) killCgroup(record.cgroup)
    else signalCgroup(record.cgroup, signal)
    if (status === 'stopped') return
  } else if (status === 'stopped') throw running
  else if (!signalInit(record, signal)) throw running
  // KERNEL: a frozen process dies only when it is thawed (v1), and SIGKILL should not have to wait for `resume`. ORDER:
  // looked at after the signal, as a pause may come between; one that comes later sees the signal and gives way.
  if (signal === SIGKILL && record.cgroup && freezeState(record.cgroup) === 'frozen') killCgroup(record.cgroup)
}
