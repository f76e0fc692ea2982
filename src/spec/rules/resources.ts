/** Rules on linux.resources and linux.cgroupsPath. */
import { pointer } from '../../base/pointer.ts'
import { each, type Rule } from './rule.ts'

const cgroupsPath: Rule = {
  name: 'cgroups path',
  clause: 'config-linux.md#cgroups-path',
  severity: 'problem',
  reads: ['/linux/cgroupsPath'],
  check({ linux }, report) {
    // ":" separates the parts of systemd's form, slice:prefix:name.
    if (linux?.cgroupsPath?.split(/[/:]/).includes('..')) {
      report('/linux/cgroupsPath', 'the path must not leave its place with ".."')
    }
  },
}

const LIMITS = ['limit', 'reservation', 'swap'] as const

const memory: Rule = {
  name: 'memory',
  clause: 'config-linux.md#memory',
  severity: 'problem',
  reads: ['/linux/resources/memory'],
  check({ linux }, report) {
    const wanted = linux?.resources?.memory
    if (wanted === undefined) return
    if ((wanted.swappiness ?? 0) > 100) {
      const message = `expected an integer from 0 to 100, got ${wanted.swappiness}`
      report('/linux/resources/memory/swappiness', message)
    }
    for (const key of LIMITS) {
      const value = wanted[key] ?? 0
      if (value < -1) report(`/linux/resources/memory/${key}`, `expected bytes or -1 for unlimited, got ${value}`)
    }
  },
}

const kernelMemory: Rule = {
  name: 'kernel memory',
  clause: 'config-linux.md#memory',
  severity: 'warning',
  reads: ['/linux/resources/memory'],
  check({ linux }, report) {
    for (const key of ['kernel', 'kernelTCP'] as const) {
      if (linux?.resources?.memory?.[key] === undefined) continue
      report(`/linux/resources/memory/${key}`, 'kernel memory settings are ignored')
    }
  },
}

const hierarchy: Rule = {
  name: 'memory hierarchy',
  clause: 'config-linux.md#memory',
  severity: 'warning',
  reads: ['/linux/resources/memory'],
  check({ linux }, report) {
    // KERNEL(5.11): true is all there is.
    if (linux?.resources?.memory?.useHierarchy !== false) return
    report('/linux/resources/memory/useHierarchy', 'memory is always accounted hierarchically: false is ignored')
  },
}

const cpuBurst: Rule = {
  name: 'cpu burst',
  clause: 'config-linux.md#cpu',
  severity: 'problem',
  reads: ['/linux/resources/cpu'],
  check({ linux }, report) {
    const { quota = 0, burst = 0 } = linux?.resources?.cpu ?? {}
    // KERNEL(5.14): it refuses the same, once the cgroup is made.
    if (quota > 0 && burst > quota)
      report('/linux/resources/cpu/burst', `the burst ${burst} is above the quota ${quota}`)
  },
}

const blockIo: Rule = {
  name: 'block io',
  clause: 'config-linux.md#block-io',
  severity: 'problem',
  reads: ['/linux/resources/blockIO/weightDevice'],
  check({ linux }, report) {
    each(linux?.resources?.blockIO?.weightDevice, (device, index) => {
      if (device.weight === undefined && device.leafWeight === undefined) {
        report(`/linux/resources/blockIO/weightDevice/${index}`, 'at least one of weight and leafWeight is required')
      }
    })
  },
}

const rdmaLimits: Rule = {
  name: 'rdma',
  clause: 'config-linux.md#rdma',
  severity: 'problem',
  reads: ['/linux/resources/rdma'],
  check({ linux }, report) {
    const rdma = linux?.resources?.rdma
    if (rdma === undefined) return
    for (const [name, limits] of Object.entries(rdma)) {
      const place = pointer('linux', 'resources', 'rdma', name)
      if (name === '' || /\s/.test(name)) report(place, `invalid device name ${JSON.stringify(name)}`)
      if (limits.hcaHandles === undefined && limits.hcaObjects === undefined) {
        report(place, 'at least one of hcaHandles and hcaObjects is required')
      }
    }
  },
}

const unifiedFiles: Rule = {
  name: 'unified',
  clause: 'config-linux.md#unified',
  severity: 'problem',
  reads: ['/linux/resources/unified'],
  check({ linux }, report) {
    const unified = linux?.resources?.unified
    if (unified === undefined) return
    for (const key of Object.keys(unified)) {
      const shown = `unified resource ${JSON.stringify(key)}`
      const place = pointer('linux', 'resources', 'unified', key)
      if (key.includes('/')) report(place, `${shown} must be a file name (no slashes)`)
      else if (!/^[^.]+\../.test(key)) report(place, `${shown} must be in the form CONTROLLER.PARAMETER`)
    }
  },
}

export const RESOURCE_RULES: readonly Rule[] = [
  cgroupsPath,
  memory,
  kernelMemory,
  hierarchy,
  cpuBurst,
  blockIo,
  rdmaLimits,
  unifiedFiles,
]
