/** What belongs to the container's own uts, network and ipc namespaces: names, loopback, kernel parameters. */
import { sysctlPath } from '../kernel/sysctl.ts'
import { namespace, type PlanContext, SLOT } from './context.ts'
import type { ChildStep } from './step.ts'

export function planNames(ctx: PlanContext): ChildStep[] {
  const { hostname, domainname } = ctx.spec
  const steps: ChildStep[] = []
  if (hostname)
    steps.push({
      kind: 'hostname',
      name: hostname,
      origin: { config: '/hostname', doing: `set hostname "${hostname}"` },
    })
  if (domainname) {
    steps.push({
      kind: 'domainname',
      name: domainname,
      origin: { config: '/domainname', doing: `set domainname "${domainname}"` },
    })
  }
  return steps
}

/**
 * rtnetlink(7): RTM_NEWLINK for interface 1, flag and change mask IFF_UP, with acknowledgement. By netlink since an
 * ioctl would need an AF_INET socket, which a sandbox around us may forbid.
 */
const LOOPBACK_UP = [
  ...[32, 0, 0, 0, 16, 0, 5, 0, 1, 0, 0, 0, 0, 0, 0, 0], // nlmsghdr: length 32, RTM_NEWLINK, REQUEST|ACK, seq 1
  ...[0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0], // ifinfomsg: AF_UNSPEC, index 1, flags IFF_UP, change IFF_UP
]

export function planLoopback(ctx: PlanContext): ChildStep[] {
  if (namespace(ctx.spec, 'network') !== 'new') return []
  return [
    { kind: 'netlink', message: LOOPBACK_UP, what: 'lo up', origin: { doing: 'bring up the loopback interface' } },
  ]
}

/** CVE-2025-52881: through the private procfs. The kernel shows each writer the parameters of its own namespaces. */
export function planSysctl(ctx: PlanContext): ChildStep[] {
  return Object.entries(ctx.spec.linux?.sysctl ?? {}).map(([key, value]) => {
    const origin = {
      config: `/linux/sysctl/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`,
      doing: `set sysctl ${key} to "${value}"`,
    }
    return { kind: 'write', dir: SLOT.proc, path: `sys/${sysctlPath(key)}`, data: value, origin }
  })
}
