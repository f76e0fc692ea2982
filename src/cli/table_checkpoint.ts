/** The flags of checkpoint and restore: a part of the command table. */
import type { OptionTable } from './option.ts'
import { BUNDLE } from './table_shared.ts'

/** Flags of both. */
const COMMON = {
  'image-path': {
    type: 'string',
    value: 'DIR',
    description: 'the directory of the image (default: checkpoint in the current directory)',
  },
  'work-path': { type: 'string', value: 'DIR', description: "the directory for criu's log (default: the image)" },
  'tcp-established': { type: 'boolean', description: 'save or restore open TCP connections' },
  'ext-unix-sk': { type: 'boolean', description: 'allow unix sockets that lead out of the container' },
  'shell-job': { type: 'boolean', description: "allow the caller's terminal as that of the processes" },
  'file-locks': { type: 'boolean', description: 'save or restore file locks' },
  'manage-cgroups-mode': {
    type: 'string',
    choices: ['soft', 'full', 'strict', 'ignore'],
    description: "how criu treats cgroups (criu's own default: soft)",
  },
  'empty-ns': {
    type: 'array',
    value: 'NAMESPACE',
    description: 'network: make the network namespace anew, without what is in it',
  },
  'auto-dedup': { type: 'boolean', description: 'drop from a parent image what a later one has too' },
  'lazy-pages': { type: 'boolean', description: 'fetch memory when it is used, from whoever has it' },
  // crun's
  'network-lock': {
    type: 'string',
    choices: ['iptables', 'nftables', 'skip'],
    description: 'how packets are kept away from saved connections meanwhile',
  },
} as const satisfies OptionTable

export const CHECKPOINT = {
  ...COMMON,
  'leave-running': { type: 'boolean', description: 'let the container go on' },
  'tcp-skip-in-flight': { type: 'boolean', description: 'leave out TCP connections that are not yet accepted' },
  'link-remap': { type: 'boolean', description: 'keep files that are open but have no name any more by a new link' },
  'pre-dump': { type: 'boolean', description: 'save the memory only, and let the container go on' },
  'parent-path': {
    type: 'string',
    value: 'DIR',
    description: 'the image of an earlier --pre-dump, relative to this image: save what has changed since',
  },
  'page-server': {
    type: 'string',
    value: 'ADDRESS:PORT',
    description: 'send memory to a page server; with --lazy-pages, hand it out there',
  },
  'status-fd': {
    type: 'number',
    value: 'FD',
    min: 0,
    description: 'write a NUL byte to this file descriptor when pages are ready to be fetched',
  },
} as const satisfies OptionTable

export const RESTORE = {
  ...COMMON,
  bundle: BUNDLE,
  detach: { type: 'boolean', alias: 'd', description: 'do not wait for the container to end' },
  'pid-file': { type: 'string', value: 'FILE', description: 'write the process id of the container to this file' },
  'console-socket': {
    type: 'string',
    value: 'SOCKET',
    description: 'send the terminal to the AF_UNIX socket at this path',
  },
  'no-subreaper': { type: 'boolean', description: 'do not become the parent of orphans of the container' },
  'no-pivot': { type: 'boolean', hidden: true, description: 'ignored: criu changes the root' },
  // crun's
  'tcp-close': { type: 'boolean', description: 'restore TCP connections as closed' },
  'lsm-profile': {
    type: 'string',
    value: 'TYPE:NAME',
    description: 'security profile of the processes: selinux:LABEL or apparmor:PROFILE',
  },
  'lsm-mount-context': { type: 'string', value: 'CONTEXT', description: 'SELinux context of the mounts' },
} as const satisfies OptionTable
