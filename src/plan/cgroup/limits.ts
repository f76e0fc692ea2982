/** The controllers with one or two files each: pids, hugetlb, rdma, net_cls, net_prio, and `unified`. */

import type { Resources } from '../../spec/types.gen.ts'
import { refused, requirePlace, write } from './draft.ts'
import type { Draft } from './model.ts'

type Asked = Required<Resources>

/** The stage, the init and a margin: a smaller limit would refuse davit's own forks. */
const SETUP_PROCESSES = 4

/**
 * pids.max, the same in v1 and v2 (cgroup-v1/pids.rst). Absent, 0 and -1 are three cases.
 * SPEC: 0 is a limit: it allows what is there and no fork. -1, as any negative number, is "max".
 */
export function planPids(draft: Draft, pids: Asked['pids']): void {
  if (pids.limit === undefined) return
  const place = requirePlace(draft, 'pids', ['pids', 'limit'])
  const step = write(draft, place, 'pids.max', pids.limit < 0 ? 'max' : String(pids.limit), ['pids', 'limit'])
  // KERNEL: the limit is checked on fork and on clone into the cgroup, never on moving in.
  const tiny = pids.limit >= 0 && pids.limit < SETUP_PROCESSES
  ;(tiny ? draft.late : draft.steps).push(step)
}

/** hugetlb.<size>.* (cgroup-v1/hugetlb.rst): usage, and reservations where the kernel accounts them. */
export function planHugepages(draft: Draft, limits: Asked['hugepageLimits']): void {
  limits.forEach(({ pageSize, limit }, index) => {
    const at = ['hugepageLimits', index]
    // The size becomes part of a file name: nothing but a size may reach it.
    if (!/^[1-9][0-9]*[KMG]B$/.test(pageSize)) {
      throw refused(draft, 'config-invalid', [...at, 'pageSize'], `invalid hugepage size "${pageSize}"`)
    }
    const place = requirePlace(draft, 'hugetlb', at)
    const suffix = place.version === 2 ? 'max' : 'limit_in_bytes'
    const value = String(limit)
    draft.steps.push(
      write(draft, place, `hugetlb.${pageSize}.${suffix}`, value, [...at, 'limit']),
      // KERNEL(5.7): reservations; a program that reserves beyond the usage limit would die by SIGBUS without it.
      write(draft, place, `hugetlb.${pageSize}.rsvd.${suffix}`, value, [...at, 'limit'], { tolerate: ['ENOENT'] }),
    )
  })
}

/** rdma.max, the same in v1 and v2 (cgroup-v1/rdma.rst): one device a write. */
export function planRdma(draft: Draft, rdma: Asked['rdma']): void {
  for (const [device, { hcaHandles, hcaObjects }] of Object.entries(rdma)) {
    const place = requirePlace(draft, 'rdma', ['rdma', device])
    const parts = [device]
    if (hcaHandles !== undefined) parts.push(`hca_handle=${hcaHandles}`)
    if (hcaObjects !== undefined) parts.push(`hca_object=${hcaObjects}`)
    if (/\s/.test(device) || parts.length === 1) {
      throw refused(draft, 'config-invalid', ['rdma', device], 'a device name and hcaHandles or hcaObjects are needed')
    }
    draft.steps.push(write(draft, place, 'rdma.max', parts.join(' '), ['rdma', device]))
  }
}

/** net_cls.classid and net_prio.ifpriomap: only v1 has them (cgroup-v1/net_cls.rst, net_prio.rst). */
export function planNetwork(draft: Draft, network: Asked['network']): void {
  if (network.classID) {
    const place = requirePlace(draft, 'net_cls', ['network', 'classID'])
    draft.steps.push(write(draft, place, 'net_cls.classid', String(network.classID), ['network', 'classID']))
  }
  network.priorities?.forEach(({ name, priority }, index) => {
    const at = ['network', 'priorities', index]
    const place = requirePlace(draft, 'net_prio', at)
    draft.steps.push(write(draft, place, 'net_prio.ifpriomap', `${name} ${priority}`, at))
  })
}

/**
 * linux.resources.unified: files of the v2 directory as the user names them.
 * SPEC: unknown ones are written too; a controller that is not there is an error.
 */
export function planUnified(draft: Draft, unified: Asked['unified'], controllers: readonly string[] | undefined): void {
  for (const [file, text] of Object.entries(unified)) {
    const at = ['unified', file]
    if (controllers === undefined) throw refused(draft, 'unsupported', at, 'cannot use unified on cgroup v1')
    if (!/^[A-Za-z0-9_]+\.[^/]+$/.test(file)) {
      const message = `unified resource "${file}" must be a file name in the form CONTROLLER.PARAMETER (no slashes)`
      throw refused(draft, 'config-invalid', at, message)
    }
    const controller = file.slice(0, file.indexOf('.'))
    const place = draft.place(controller === 'cgroup' ? '' : controller)
    if (place === undefined || place.version !== 2) {
      const message = `unified resource "${file}" can't be set: controller "${controller}" not available`
      throw refused(draft, 'unsupported', at, message)
    }
    // KERNEL: io.max and its kind take one device a write.
    for (const line of text.split('\n')) {
      if (line !== '') draft.steps.push(write(draft, place, file, line, at))
    }
  }
}
