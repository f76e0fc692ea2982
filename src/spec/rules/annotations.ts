/** Rules on the annotations that davit acts on. */
import { pointer } from '../../base/pointer.ts'
import { ANNOTATION, annotation } from '../annotations.ts'
import type { Report, Rule } from './rule.ts'

/** struct sock_filter, and BPF_MAXINSNS. */
const INSTRUCTION = 8
const MAX_INSTRUCTIONS = 4096

const CONTEXT_TYPES = ['context', 'fscontext', 'defcontext', 'rootcontext']

const at = (name: string) => pointer('annotations', name)

const annotations: Rule = {
  name: 'crun annotations',
  clause: 'config.md#annotations',
  severity: 'problem',
  reads: ['/annotations'],
  check(spec, report) {
    if (spec.annotations === undefined) return
    const receiver = annotation(spec, ANNOTATION.seccompReceiver)
    if (receiver && !receiver.startsWith('/')) report(at(ANNOTATION.seccompReceiver), 'listener path must be absolute')
    const type = annotation(spec, ANNOTATION.contextType)
    if (type && !CONTEXT_TYPES.includes(type))
      report(at(ANNOTATION.contextType), `expected one of ${CONTEXT_TYPES.join(', ')}, got ${JSON.stringify(type)}`)
    for (const name of [ANNOTATION.systemdSubgroup, ANNOTATION.delegateCgroup]) {
      const cgroup = annotation(spec, name)
      if (cgroup !== undefined && !isCgroupName(cgroup))
        report(at(name), `expected the name of a cgroup, got ${JSON.stringify(cgroup)}`)
    }
    checkProgram(annotation(spec, ANNOTATION.seccompProgram), report)
  },
}

/** One name, and none that the kernel's own files may have. KERNEL: no line breaks. */
function isCgroupName(name: string): boolean {
  return (
    /^[^/\n]{1,255}$/.test(name) && !/^(\.{1,2}$|cgroup\.|(cpu|cpuset|io|memory|hugetlb|pids|rdma|misc)\.)/.test(name)
  )
}

function checkProgram(text: string | undefined, report: Report): void {
  if (text === undefined) return
  const place = at(ANNOTATION.seccompProgram)
  const digits = text.replace(/={1,2}$/, '')
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*$/.test(digits)) return report(place, 'expected base64')
  const bytes = Math.floor((digits.length * 3) / 4)
  if (bytes % INSTRUCTION !== 0 || bytes > MAX_INSTRUCTIONS * INSTRUCTION) {
    const most = `${INSTRUCTION} bytes each, at most ${MAX_INSTRUCTIONS}`
    report(place, `expected BPF instructions of ${most}, got ${bytes} bytes`)
  }
}

export const ANNOTATION_RULES: readonly Rule[] = [annotations]
