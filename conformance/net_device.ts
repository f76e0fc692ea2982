/** Network interfaces of the host that a case makes, and what becomes of them. */
import { existsSync } from 'node:fs'
import type { Bundle, Config } from './bundle.ts'
import type { Subject } from './subject.ts'
import type { Deviation } from './suite.ts'

export const NET = 'config-linux.md#network-devices'
export const END = 'config-linux.md#namespace-lifecycle-and-container-termination'
/** What of runtimes is older than network devices. */
export const NEWER: Readonly<Record<string, Deviation>> = {
  runc: { versions: '<1.4', why: 'does not know netDevices (specification 1.3), and ignores them' },
  crun: { seen: '1.21', why: 'does not know netDevices (specification 1.3)' },
}

let counter = 0
/** Whether the host has an interface of the name. */
export const onHost = (name: string) => existsSync(`/sys/class/net/${name}`)

/** Makes an interface of a kind on the host, which is gone in the end, wherever it has gone to. */
export function withDevice(subject: Subject, kind: 'veth' | 'bridge', act: (name: string) => void): void {
  const name = `cf${process.pid}x${counter++}`
  subject.applet('ip', 'link', 'add', name, 'type', kind)
  try {
    act(name)
  } finally {
    // One of a pair takes the other with it; in a namespace that ends it goes by itself.
    if (onHost(name)) subject.applet('ip', 'link', 'delete', name)
  }
}

/** A bundle whose program sleeps, with these devices. */
export function sleeper(
  subject: Subject,
  netDevices: Record<string, object>,
  change?: (config: Config) => void,
): Bundle {
  return subject.bundle('sleep 100', (config) => {
    config.ociVersion = '1.3.0'
    Object.assign(config.linux, { netDevices })
    change?.(config)
  })
}

/** What `ip address` says of an interface in the network namespace of a process. */
export function shown(subject: Subject, pid: number, name: string): string {
  const [busybox = ''] = subject.through()
  const text = subject.applet('nsenter', '-t', String(pid), '-n', busybox, 'ip', 'address', 'show')
  subject.showed(`ip address in the network namespace of ${pid}`, text)
  const at = text.split(/^(?=\d+: )/m).find((part) => new RegExp(`^\\d+: ${name}[@:]`).test(part))
  return at ?? ''
}
