/** Rules on linux.namespaces and on what makes sense only in one. */
import type { NamespaceType } from '../../kernel/namespaces.ts'
import type { Namespace, Spec } from '../types.gen.ts'
import { each, type Rule } from './rule.ts'

/** The entry of a type, new or joined; undefined when the container stays in the runtime's own. */
export function namespaceOf(spec: Spec, type: NamespaceType): Namespace | undefined {
  for (const namespace of spec.linux?.namespaces ?? []) if (namespace.type === type) return namespace
  return undefined
}

const entries: Rule = {
  name: 'namespaces',
  clause: 'config-linux.md#namespaces',
  severity: 'problem',
  reads: ['/linux/namespaces'],
  check({ linux }, report) {
    const seen = new Set<string>()
    each(linux?.namespaces, ({ type, path }, index) => {
      // SPEC: a second entry of a type is an error, even when it is the same.
      if (seen.has(type)) report(`/linux/namespaces/${index}`, `malformed spec file: duplicated ns "${type}"`)
      if (path && !path.startsWith('/')) report(`/linux/namespaces/${index}/path`, 'namespace path must be absolute')
      seen.add(type)
    })
  },
}

const hiddenPaths: Rule = {
  name: 'hidden paths',
  clause: 'config-linux.md#masked-paths, #readonly-paths',
  severity: 'problem',
  reads: ['/linux/namespaces', '/linux/maskedPaths', '/linux/readonlyPaths'],
  check(spec, report) {
    const separate = namespaceOf(spec, 'mount') !== undefined
    for (const key of ['maskedPaths', 'readonlyPaths'] as const) {
      const paths = spec.linux?.[key]
      if (paths !== undefined && paths.length > 0 && !separate) {
        report(`/linux/${key}`, 'unable to restrict sys entries without a private MNT namespace')
      }
      each(paths, (path, index) => {
        if (!path.startsWith('/')) report(`/linux/${key}/${index}`, 'path must be absolute')
      })
    }
  },
}

const CLOCKS: readonly string[] = ['monotonic', 'boottime']

const timeOffsets: Rule = {
  name: 'time offsets',
  clause: 'config-linux.md#offset-for-time-namespace; time_namespaces(7)',
  severity: 'problem',
  reads: ['/linux/namespaces', '/linux/timeOffsets'],
  check(spec, report) {
    if (spec.linux?.timeOffsets === undefined) return
    const offsets = Object.entries(spec.linux.timeOffsets)
    if (offsets.length === 0) return
    const namespace = namespaceOf(spec, 'time')
    if (namespace === undefined) {
      const message = "time namespace offsets specified, but time namespace isn't enabled in the config"
      report('/linux/timeOffsets', message)
    } else if (namespace.path) {
      // The offsets of a namespace that has a process cannot be changed.
      const message =
        'time namespace enabled, but both namespace path and time offsets specified -- you may only provide one'
      report('/linux/timeOffsets', message)
    }
    for (const [clock, offset] of offsets) {
      if (!CLOCKS.includes(clock))
        report(`/linux/timeOffsets/${clock}`, 'expected one of the clocks monotonic, boottime')
      else if ((offset.nanosecs ?? 0) > 999_999_999) {
        report(`/linux/timeOffsets/${clock}/nanosecs`, 'expected less than a second')
      }
    }
  },
}

export const NAMESPACE_RULES: readonly Rule[] = [entries, hiddenPaths, timeOffsets]
