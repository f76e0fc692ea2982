/** AppArmor profiles and SELinux labels: of the process, of its keyring, of the file systems made for it. */
import { O_DIRECTORY, O_RDONLY } from '../kernel/files.ts'
import { ANNOTATION, annotation } from '../spec/annotations.ts'
import type { Process, Spec } from '../spec/types.gen.ts'
import { SLOT } from './context.ts'
import type { ChildStep, Origin, Slot } from './step.ts'

/**
 * What the next exec changes to.
 * CVE-2019-16884, CVE-2025-52881: written through the private procfs, which nothing of the image can cover.
 * ORDER: after createContainer hooks, which are programs of the host's; before no_new_privs, with which a profile can
 * only be narrowed; before the private procfs is closed.
 */
export function planExecLabels(process: Process | undefined): ChildStep[] {
  const { apparmorProfile, selinuxLabel } = process ?? {}
  const steps: ChildStep[] = []
  if (apparmorProfile) {
    const origin = { config: '/process/apparmorProfile', doing: `apply apparmor profile "${apparmorProfile}"` }
    const data = `exec ${apparmorProfile}`
    const write = { kind: 'write' as const, dir: SLOT.proc, data, origin }
    steps.push(
      // KERNEL(5.8): attr/exec belongs to the first security module, which another may be.
      { ...write, path: 'self/attr/apparmor/exec', tolerate: ['ENOENT'], skip: 1 },
      { kind: 'jump', skip: 1 },
      { ...write, path: 'self/attr/exec' },
    )
  }
  if (selinuxLabel) {
    const origin = { config: '/process/selinuxLabel', doing: `set process label "${selinuxLabel}"` }
    steps.push({ kind: 'write', dir: SLOT.proc, path: 'self/attr/exec', data: selinuxLabel, origin })
  }
  return steps
}

/** Steps around the making of a keyring, which gets the label of the process. */
export function labelledKeyring(process: Process | undefined, keyring: ChildStep): ChildStep[] {
  const label = process?.selinuxLabel
  if (!label) return [keyring]
  const origin = { config: '/process/selinuxLabel', doing: 'label the session keyring' }
  // The host's /proc: nothing of the image is near yet, and there is no private procfs either.
  const write = (data: string): ChildStep => ({
    kind: 'write',
    dir: SLOT.hostProc,
    path: 'self/attr/keycreate',
    data,
    origin,
  })
  // KERNEL: a newline takes the label back, as an empty write would.
  return [write(label), keyring, write('\n')]
}

/** SPEC: config-linux.md#mount-label. As runc: proc and sysfs have labels of their own, cgroups are the host's. */
const UNLABELLED = new Set(['proc', 'sysfs', 'mqueue', 'cgroup', 'cgroup2'])

/** Whether the option already gives the file system a label, see mount(8). */
function isContext(option: string): boolean {
  const key = option.slice(0, option.indexOf('='))
  return key === 'context' || key === 'fscontext' || key === 'defcontext' || key === 'rootcontext'
}

/**
 * The file system's options with linux.mountLabel.
 * KERNEL: fsconfig(2) takes a label as it is, where mount(2) takes the quotes off that keep its commas together.
 */
export function labelledOptions(spec: Spec, type: string, options: readonly string[]): readonly string[] {
  const plain = options.some(isContext) ? options.map((option) => withoutQuotes(option)) : options
  const label = spec.linux?.mountLabel
  if (!label || UNLABELLED.has(type) || options.some(isContext)) return plain
  return [...plain, `${annotation(spec, ANNOTATION.contextType) ?? 'context'}=${label}`]
}

function withoutQuotes(option: string): string {
  return isContext(option) ? option.replaceAll('"', '') : option
}

/** mqueue takes no label as an option; its root is labelled once it is made, as runc does. */
export function planMountLabel(spec: Spec, type: string, made: Slot, scratch: Slot, origin: Origin): ChildStep[] {
  const label = spec.linux?.mountLabel
  if (!label || type !== 'mqueue') return []
  return [
    { kind: 'open', out: scratch, dir: made, path: '.', flags: O_RDONLY | O_DIRECTORY, origin },
    { kind: 'label', slot: scratch, label, origin },
    { kind: 'close', slot: scratch },
  ]
}
