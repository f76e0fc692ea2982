/** What a look at the host's files tells of a configuration. Nothing is opened, nothing needs root. */
import { messageOf, SysError } from '../../base/errors.ts'
import { absolutePath } from '../../base/path.ts'
import { pointer as pointerTo } from '../../base/pointer.ts'
import { type FileStatus, statIf } from '../../ffi/file.ts'
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW, S_IFMT, S_IFREG, S_IFSOCK } from '../../kernel/files.ts'
import { parseMountOptions } from '../../kernel/mount_options.ts'
import type { Finding } from '../../spec/review/finding.ts'
import { sectionOf } from '../../spec/review/sections.ts'
import type { Spec } from '../../spec/types.gen.ts'

type Rest = Pick<Finding, 'rule' | 'requirement' | 'hint'>

const MISSING = 'no such file or directory'

/** All of it; relative paths count from the bundle. */
export function lookAtHost(spec: Spec, bundle: string): Finding[] {
  return [...mountSources(spec, bundle), ...hooks(spec), ...namespaces(spec), ...agent(spec), ...interfaces(spec)]
}

/** `judge` says what is wrong with what is there; '' for nothing. */
function look(
  what: string,
  path: string,
  pointer: string,
  rest: Rest,
  judge: (status: FileStatus) => string = () => '',
  flags = 0,
): Finding[] {
  const finding = (severity: Finding['severity'], why: string): Finding[] => [
    { severity, pointer, message: `${what} "${path}": ${why}`, clause: sectionOf(pointer), ...rest },
  ]
  // That it should be absolute is told by a rule.
  if (!path.startsWith('/')) return []
  try {
    const status = statIf(path, AT_FDCWD, flags)
    if (!status) return finding('error', MISSING)
    const why = judge(status)
    return why === '' ? [] : finding('error', why)
  } catch (error) {
    if (error instanceof SysError) return finding('warning', messageOf(error))
    throw error
  }
}

function mountSources({ mounts = [] }: Spec, bundle: string): Finding[] {
  const rest = { rule: 'mount sources', hint: 'make it, or mend the path; relative ones count from the bundle' }
  return mounts.flatMap(({ source, options = [] }, index) => {
    if (!source || parseMountOptions(options).bind === undefined) return []
    // A link that is to be copied or not to be followed may lead nowhere.
    const flags = options.some((option) => /^(src-nofollow|copy-symlink)$/.test(option)) ? AT_SYMLINK_NOFOLLOW : 0
    const path = absolutePath(source, bundle)
    return look('mount source', path, `/mounts/${index}/source`, rest, undefined, flags)
  })
}

/** Those of startContainer are looked up in the container. */
const HOST_HOOKS = ['prestart', 'createRuntime', 'createContainer', 'poststart', 'poststop'] as const

function hooks({ hooks: all }: Spec): Finding[] {
  const rest = { rule: 'hook programs', requirement: 'MUST', hint: 'install the program, or mend the path' } as const
  const judge = ({ mode }: FileStatus) =>
    (mode & S_IFMT) === S_IFREG && (mode & 0o111) !== 0 ? '' : 'not an executable file'
  return HOST_HOOKS.flatMap((kind) =>
    (all?.[kind] ?? []).flatMap(({ path }, index) => look('hook', path, `/hooks/${kind}/${index}/path`, rest, judge)),
  )
}

function namespaces({ linux }: Spec): Finding[] {
  const hint = 'name the file of a namespace that is there, such as /proc/PID/ns/net'
  const rest = { rule: 'namespace files', requirement: 'MUST', hint } as const
  return (linux?.namespaces ?? []).flatMap(({ path }, index) =>
    path ? look('namespace', path, `/linux/namespaces/${index}/path`, rest) : [],
  )
}

/** It may be started later. */
function agent({ linux }: Spec): Finding[] {
  const path = linux?.seccomp?.listenerPath
  if (!path) return []
  const rest = { rule: 'seccomp agent', hint: 'start the agent before the container' }
  const judge = ({ mode }: FileStatus) => ((mode & S_IFMT) === S_IFSOCK ? '' : 'not a socket')
  return look('seccomp agent', path, '/linux/seccomp/listenerPath', rest, judge).map(asWarning)
}

/** They may be made later, and the network namespace of whoever looks may be another than that of who creates. */
function interfaces({ linux }: Spec): Finding[] {
  const rest = { rule: 'network interfaces', hint: 'make the interface before the container' }
  return Object.keys(linux?.netDevices ?? {}).flatMap((name) =>
    look('interface', `/sys/class/net/${name}`, pointerTo('linux', 'netDevices', name), rest).map(asWarning),
  )
}

function asWarning(finding: Finding): Finding {
  return { ...finding, severity: 'warning' }
}
