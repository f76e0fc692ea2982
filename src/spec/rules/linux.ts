/** Rules on the small blocks of linux: Intel RDT, memory policy, personality. */
import type { MemoryPolicy } from '../types.gen.ts'
import type { Rule } from './rule.ts'

const intelRdt: Rule = {
  name: 'intel rdt',
  clause: 'config-linux.md#intelrdt',
  severity: 'problem',
  reads: ['/linux/intelRdt'],
  check({ linux }, report) {
    const id = linux?.intelRdt?.closID
    // SPEC: "/" is the default class; any other slash or a dot name would leave the resctrl directory.
    if (id === '.' || id === '..' || (id !== '/' && id?.includes('/'))) {
      report('/linux/intelRdt/closID', `invalid intelRdt.ClosID ${JSON.stringify(id)}`)
    }
    if (linux?.intelRdt?.l3CacheSchema?.includes('\n')) {
      report('/linux/intelRdt/l3CacheSchema', 'must not contain a newline')
    }
  },
}

/** Whether a mode needs nodes, set_mempolicy(2). */
const NODES: Readonly<Record<MemoryPolicy['mode'], 'none' | 'some' | 'any'>> = {
  MPOL_DEFAULT: 'none',
  MPOL_LOCAL: 'none',
  MPOL_BIND: 'some',
  MPOL_INTERLEAVE: 'some',
  MPOL_WEIGHTED_INTERLEAVE: 'some',
  MPOL_PREFERRED_MANY: 'some',
  MPOL_PREFERRED: 'any',
}

const memoryPolicy: Rule = {
  name: 'memory policy',
  clause: 'config-linux.md#memory-policy; set_mempolicy(2)',
  severity: 'problem',
  reads: ['/linux/memoryPolicy'],
  check({ linux }, report) {
    const policy = linux?.memoryPolicy
    if (policy === undefined) return
    const { mode, nodes = '', flags = [] } = policy
    const place = '/linux/memoryPolicy/nodes'
    if (nodes !== '' && !isNodeList(nodes))
      report(place, `expected a list such as "0-3,7", got ${JSON.stringify(nodes)}`)
    if (NODES[mode] === 'none' && nodes !== '') report(place, `${mode} takes no nodes`)
    if (NODES[mode] === 'some' && nodes === '') report(place, `${mode} needs nodes`)
    if (flags.includes('MPOL_F_STATIC_NODES') && flags.includes('MPOL_F_RELATIVE_NODES')) {
      report('/linux/memoryPolicy/flags', 'MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other')
    }
    const pinned = flags.filter((flag) => flag === 'MPOL_F_STATIC_NODES' || flag === 'MPOL_F_RELATIVE_NODES')
    // KERNEL: without nodes MPOL_PREFERRED is MPOL_LOCAL.
    if (nodes === '' && (mode === 'MPOL_LOCAL' || mode === 'MPOL_PREFERRED') && pinned[0] !== undefined)
      report('/linux/memoryPolicy/flags', `${pinned[0]} needs nodes, and ${mode} has none`)
    if (flags.includes('MPOL_F_NUMA_BALANCING') && mode !== 'MPOL_BIND' && mode !== 'MPOL_PREFERRED_MANY') {
      report('/linux/memoryPolicy/flags', `MPOL_F_NUMA_BALANCING does not go with ${mode}`)
    }
  },
}

/** KERNEL: MAX_NUMNODES is at most 1024. */
function isNodeList(nodes: string): boolean {
  return nodes.split(',').every((range) => {
    const match = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(range.trim())
    return match !== null && Number(match[1]) <= Number(match[2] ?? match[1]) && Number(match[2] ?? match[1]) < 1024
  })
}

const personality: Rule = {
  name: 'personality',
  clause: 'config-linux.md#personality',
  severity: 'problem',
  reads: ['/linux/personality'],
  check({ linux }, report) {
    if ((linux?.personality?.flags ?? []).length > 0)
      report('/linux/personality/flags', 'no personality flags are supported')
  },
}

export const LINUX_RULES: readonly Rule[] = [intelRdt, memoryPolicy, personality]
