/** What a look into the rootfs tells of a configuration: is it there, and what is to be executed in it. */
import { messageOf, SysError } from '../../base/errors.ts'
import { cleanPath } from '../../base/path.ts'
import { openFile, statIf, withFd } from '../../ffi/file.ts'
import { type Looked, lookInRoot } from '../../host/in_root.ts'
import { O_DIRECTORY, O_PATH, S_IFDIR, S_IFMT, S_IFREG } from '../../kernel/files.ts'
import { executableCandidates } from '../../plan/command.ts'
import type { Finding } from '../../spec/review/finding.ts'
import type { Spec } from '../../spec/types.gen.ts'

/** Findings on the rootfs itself, or on what is in it. `rootfs` is absolute. */
export function lookAtRootfs(spec: Spec, rootfs: string): Finding[] {
  const bad = (severity: Finding['severity'], why: string): Finding => ({
    severity,
    pointer: '/root/path',
    message: `rootfs "${rootfs}": ${why}`,
    rule: 'rootfs',
    clause: 'config.md#root',
    requirement: 'MUST',
    hint: 'put the root file system of the container there, or mend the path',
  })
  try {
    const status = statIf(rootfs)
    if (!status) return [bad('error', 'no such file or directory')]
    if ((status.mode & S_IFMT) !== S_IFDIR) return [bad('error', 'not a directory')]
    return withFd(openFile(rootfs, O_PATH | O_DIRECTORY), (root) => lookInside(spec, root))
  } catch (error) {
    if (error instanceof SysError) return [bad('warning', messageOf(error))]
    throw error
  }
}

function lookInside(spec: Spec, root: number): Finding[] {
  const destinations = new Set(spec.mounts?.map(({ destination }) => cleanPath(`/${destination}`)))
  const cwd = spec.process?.cwd ?? '/'
  const look = (path: string) => lookInRoot(root, path, cwd, (place) => destinations.has(place))
  const hooks = (spec.hooks?.startContainer ?? []).flatMap(({ path }, index) =>
    startHook(path, `/hooks/startContainer/${index}/path`, look(path)),
  )
  return [...executable(spec, look), ...hooks]
}

/** As execvp(3) goes through PATH; silent when a part of the way is not known yet. */
function executable({ process }: Spec, look: (path: string) => Looked): Finding[] {
  const name = process?.args?.[0]
  if (!name) return []
  const looked = executableCandidates(name, process?.env ?? []).map(look)
  if (looked.some((each) => each.kind === 'covered' || isProgram(each))) return []
  const common = { pointer: '/process/args/0', rule: 'executable', clause: 'config.md#process' } as const
  const unknown = looked.find((each) => each.kind === 'unknown')
  if (unknown) {
    const hint = 'run davit validate as a user who may read the rootfs'
    return [{ severity: 'warning', message: `"${name}" cannot be looked for: ${unknown.why}`, ...common, hint }]
  }
  const there = looked.some((each) => each.kind === 'found')
  const missing = name.includes('/') ? 'no such file in the rootfs' : 'executable file not found in $PATH'
  const message = `exec: "${name}": ${there ? 'permission denied: not an executable file' : missing}`
  const hint = there ? 'make it executable: chmod +x' : 'install the program in the rootfs, or mend args, cwd or PATH'
  return [{ severity: 'error', message, ...common, hint }]
}

function isProgram(looked: Looked): boolean {
  return looked.kind === 'found' && (looked.mode & S_IFMT) === S_IFREG && (looked.mode & 0o111) !== 0
}

function startHook(path: string, pointer: string, looked: Looked): Finding[] {
  if (looked.kind === 'covered' || looked.kind === 'unknown' || isProgram(looked)) return []
  const why = looked.kind === 'missing' ? `${looked.why} in the rootfs` : 'not an executable file in the rootfs'
  return [
    {
      severity: 'error',
      pointer,
      message: `hook "${path}": ${why}`,
      rule: 'hook programs',
      clause: 'config.md#posix-platform-hooks',
      requirement: 'MUST',
      hint: 'startContainer hooks run in the container: install the program in the rootfs',
    },
  ]
}
