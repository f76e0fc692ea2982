/** `events`: what a container uses, now and then, and when it runs out of memory. */
import { RuntimeError } from '../base/errors.ts'
import { closeFd } from '../ffi/file.ts'
import { type OomWatch, watchOom } from '../host/cgroup/oom.ts'
import { readStats } from '../host/cgroup/stats.ts'
import type { Stats } from '../host/cgroup/stats_model.ts'
import { poll } from '../host/poll.ts'
import { openPidfd } from '../host/process.ts'
import type { CgroupRecord } from '../plan/cgroup/model.ts'
import type { RdtRecord } from '../plan/rdt_model.ts'
import { notFound } from '../state/ids.ts'
import type { ContainerRecord } from '../state/record.ts'
import { isAlive, statusOf } from '../state/status.ts'
import { readRecord } from '../state/store.ts'
import type { Runtime } from './runtime.ts'

export type ContainerEvent =
  | { readonly type: 'stats'; readonly id: string; readonly data: Stats }
  | { readonly type: 'oom'; readonly id: string }

/** Where events go. */
export interface EventSink {
  readonly emit: (event: ContainerEvent) => void
  /** fd that the reader is behind: when it has left, so do we. */
  readonly fd: number
}

const POLLIN = 1
/** POLLERR, POLLHUP and POLLNVAL, of which the kernel tells without being asked. */
const GONE = 8 | 16 | 32

/** The numbers of one container, once. */
export function statsOnce(runtime: Runtime, id: string): ContainerEvent {
  const { record, cgroup } = watched(runtime, id)
  return statsEvent(id, cgroup, record.intelRdt)
}

/**
 * Tells of the numbers every `interval` ms and of each lack of memory, until the container ends or nobody reads any
 * more. What is left of a container that has ended is its cgroup, whose last lack of memory is still told.
 */
export function watchEvents(runtime: Runtime, id: string, interval: number, sink: EventSink): void {
  const { record, cgroup } = watched(runtime, id)
  const pidfd = openPidfd(record.pid)
  if (pidfd === undefined) throw notRunning(id)
  // ORDER: the pidfd is of this container's init if that lives still.
  const oom = isAlive(record) ? watchOom(cgroup) : undefined
  try {
    if (!isAlive(record)) throw notRunning(id)
    loop({ id, cgroup, intelRdt: record.intelRdt, pidfd, interval, sink, oom })
  } finally {
    oom?.close()
    closeFd(pidfd)
  }
}

interface Watched {
  readonly id: string
  readonly cgroup: CgroupRecord
  readonly intelRdt: RdtRecord | undefined
  readonly pidfd: number
  readonly interval: number
  readonly sink: EventSink
  readonly oom: OomWatch | undefined
}

function loop({ id, cgroup, intelRdt, pidfd, interval, sink, oom }: Watched): void {
  const fds = [
    { fd: pidfd, events: POLLIN },
    { fd: sink.fd, events: 0 },
    ...(oom ? [{ fd: oom.fd, events: oom.events }] : []),
  ]
  let due = performance.now() + interval
  for (;;) {
    const [ended = 0, reader = 0, memory = 0] = poll(fds, Math.max(0, due - performance.now()))
    if ((reader & GONE) !== 0) return
    // ORDER: before the end: the lack of memory may have been what ended the container.
    if ((memory || ended) && oom?.happened()) sink.emit({ type: 'oom', id })
    if (ended) return
    if (performance.now() < due) continue
    due = Math.max(due + interval, performance.now())
    sink.emit(statsEvent(id, cgroup, intelRdt))
  }
}

function statsEvent(id: string, cgroup: CgroupRecord, intelRdt: RdtRecord | undefined): ContainerEvent {
  return { type: 'stats', id, data: readStats(cgroup, intelRdt) }
}

/** A container that lives, and its cgroups. */
function watched(runtime: Runtime, id: string): { readonly record: ContainerRecord; readonly cgroup: CgroupRecord } {
  const record = readRecord(runtime.root, id)
  if (!record) throw notFound(id)
  const status = statusOf(`${runtime.root}/${id}`, record)
  if (status === 'stopped' || status === 'creating') throw notRunning(id)
  if (record.cgroup) return { record, cgroup: record.cgroup }
  throw new RuntimeError('unsupported', 'unable to get container cgroup stats: the container has no cgroups')
}

/** runc's words. */
function notRunning(id: string): RuntimeError {
  return new RuntimeError('bad-state', `container with id ${id} is not running`)
}
