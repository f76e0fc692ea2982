/** Seccomp profiles: one of the kind that engines send, made here, and the one that Podman's package brings. */
import { existsSync, readFileSync } from 'node:fs'
import { koffi } from '../../src/ffi/native.ts'
import type { Seccomp, SeccompRule } from '../../src/spec/types.gen.ts'
import type { Need } from './requires.ts'

const PODMAN = '/usr/share/containers/seccomp.json'
const HEADER = '/usr/include/x86_64-linux-gnu/asm/unistd_64.h'

/** What engines keep from containers without special capabilities. */
const DENIED = new Set(
  `acct add_key bpf clock_adjtime clock_settime create_module delete_module finit_module fanotify_init fsconfig fsmount
  fsopen fspick get_kernel_syms get_mempolicy init_module ioperm iopl kcmp kexec_file_load kexec_load keyctl
  lookup_dcookie mbind mount mount_setattr move_mount move_pages nfsservctl open_by_handle_at open_tree perf_event_open
  pivot_root process_madvise query_module quotactl quotactl_fd reboot request_key setdomainname sethostname
  set_mempolicy setns settimeofday swapoff swapon _sysctl sysfs umount2 unshare uselib userfaultfd ustat vhangup`.split(
    /\s+/,
  ),
)

const equal = (names: string[], value: number): SeccompRule => ({
  names,
  action: 'SCMP_ACT_ALLOW',
  args: [{ index: 0, value, op: 'SCMP_CMP_EQ' }],
})

const AUDIT_ARCH_X86_64 = 0xc000003e

/** The names of all system calls, by the kernel's header or, on a machine without a compiler, by libseccomp. */
function systemCalls(): string[] {
  if (existsSync(HEADER))
    return [...readFileSync(HEADER, 'utf8').matchAll(/__NR_(\w+)/g)].map(([, name]) => name as string)
  const name = koffi().load('libseccomp.so.2').func('seccomp_syscall_resolve_num_arch', 'str', ['uint32', 'int'])
  return Array.from({ length: 512 }, (_, call): string | null => name(AUDIT_ARCH_X86_64, call)).filter(
    (it) => it !== null,
  )
}

/** As large as engines' default profiles and of the same shape: EPERM for what is not in a long list. */
export function engineProfile(): Seccomp {
  const names = systemCalls()
  const special = ['personality', 'clone', 'clone3']
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
    syscalls: [
      { names: names.filter((name) => !DENIED.has(name) && !special.includes(name)), action: 'SCMP_ACT_ALLOW' },
      ...[0, 8, 0x20000, 0x20008, 0xffffffff].map((value) => equal(['personality'], value)),
      // No new namespaces: CLONE_NEWNS and its like, as a mask.
      {
        names: ['clone'],
        action: 'SCMP_ACT_ALLOW',
        args: [{ index: 0, value: 0x7e020000, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }],
      },
      { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 },
    ],
  }
}

/** Podman's package is installed; without it the test has nothing to look at. */
export const podmanProfileInstalled: Need = { name: PODMAN, optional: true, met: () => existsSync(PODMAN) }

interface PodmanRule {
  readonly names: string[]
  readonly action: SeccompRule['action']
  readonly errnoRet?: number
  readonly args?: SeccompRule['args']
  readonly includes?: { readonly caps?: string[]; readonly arches?: string[] }
  readonly excludes?: { readonly caps?: string[]; readonly arches?: string[] }
}

/** Podman's default profile as it goes into config.json for a container on x86_64 that has none of the capabilities. */
export function podmanProfile(): Seccomp {
  const file = JSON.parse(readFileSync(PODMAN, 'utf8')) as {
    defaultAction: Seccomp['defaultAction']
    defaultErrnoRet: number
    syscalls: PodmanRule[]
  }
  const applies = ({ includes, excludes }: PodmanRule) =>
    !includes?.caps?.length &&
    (includes?.arches ?? ['amd64']).includes('amd64') &&
    !(excludes?.arches ?? []).includes('amd64')
  return {
    defaultAction: file.defaultAction,
    defaultErrnoRet: file.defaultErrnoRet,
    architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
    syscalls: file.syscalls.filter(applies).map(({ names, action, errnoRet, args }) => ({
      names,
      action,
      ...(errnoRet === undefined ? {} : { errnoRet }),
      ...(args?.length ? { args } : {}),
    })),
  }
}
