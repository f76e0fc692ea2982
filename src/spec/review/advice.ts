/**
 * What stands beside each rule on config.json: how strong the specification's word is, and how to mend what breaks it.
 * Data, apart from the rules themselves: creating a container needs none of it.
 */
import type { Requirement } from './finding.ts'

/** Of a rule that finds more than one thing, `at` and `says` tell which; the first that fits counts. */
export interface Advice {
  /** Matches the JSON pointer. */
  readonly at?: RegExp
  /** Matches the message. */
  readonly says?: RegExp
  /** Absent: the kernel, or what all runtimes do, makes the rule. */
  readonly requirement?: Requirement
  readonly hint: string
}

const ABSOLUTE = 'write it from the root on, beginning with "/"'

/** By the name of the rule. */
export const ADVICE: Readonly<Record<string, readonly Advice[]>> = {
  version: [
    { requirement: 'MUST', hint: 'write the version of the specification that the bundle was made for, 1.3.0' },
  ],
  root: [
    { says: /must be specified/, requirement: 'REQUIRED', hint: 'add "root": {"path": "rootfs"}' },
    { requirement: 'MUST', hint: 'name the directory with the file system of the container, "rootfs"' },
  ],
  hooks: [{ requirement: 'MUST', hint: ABSOLUTE }],
  'uts names': [
    { says: /namespace/, hint: 'add {"type": "uts"} to /linux/namespaces' },
    { hint: 'choose a shorter name: the kernel takes 64 bytes' },
  ],
  annotations: [{ requirement: 'MUST NOT', hint: 'give the annotation a name, such as com.example.key' }],
  'crun annotations': [
    { says: /absolute/, hint: ABSOLUTE },
    { says: /one of/, hint: 'use one of the options that mount(8) has for SELinux' },
    { says: /name of a cgroup/, hint: 'use one name without slashes, and none that the kernel has files of' },
    { hint: 'write the filter as an array of struct sock_filter, in base64' },
  ],
  command: [
    { at: /\/cwd$/, requirement: 'MUST', hint: ABSOLUTE },
    { requirement: 'REQUIRED', hint: 'write the program and its arguments, such as ["/bin/sh"]' },
  ],
  'terminal size': [{ hint: 'choose a size that terminals have; the kernel keeps 16 bits' }],
  rlimits: [
    { says: /duplicated/, requirement: 'MUST', hint: 'keep one entry for each type' },
    { at: /\/type$/, requirement: 'MUST', hint: 'use a name of getrlimit(2), such as RLIMIT_NOFILE' },
    { hint: 'raise hard, or lower soft' },
  ],
  umask: [{ hint: 'write the mask as a decimal number: 022 is 18' }],
  'oom score': [{ hint: 'choose a number from -1000 (never killed) to 1000 (killed first)' }],
  scheduler: [
    { at: /\/flags$/, hint: 'add "SCHED_FLAG_RESET_ON_FORK" to flags' },
    { at: /\/nice$/, hint: 'choose a number from -20 to 19' },
    { at: /\/priority$/, says: /needs/, hint: 'choose a priority from 1 to 99' },
    { at: /\/priority$/, hint: 'leave priority out; nice is for this policy' },
    { says: /only/, hint: 'leave runtime, deadline and period out, or use SCHED_DEADLINE' },
    { hint: 'write nanoseconds in this order; see sched(7)' },
  ],
  'io priority': [{ requirement: 'MUST', hint: 'choose a number from 0 (first) to 7 (last)' }],
  'cpu affinity': [{ hint: 'write CPUs and ranges of them: 0-3,7' }],
  'unknown capabilities': [{ requirement: 'MUST', hint: 'use names of capabilities(7), in capital letters with CAP_' }],
  'mount destinations': [{ requirement: 'DEPRECATED', hint: ABSOLUTE }],
  'mount operands': [
    { at: /\/destination$/, requirement: 'REQUIRED', hint: 'name the place in the container that is mounted on' },
    { at: /\/type$/, hint: 'name the type of file system, or add "bind" to options' },
    { hint: 'name what of the host is to appear in the container' },
  ],
  namespaces: [
    { says: /duplicated/, requirement: 'MUST', hint: 'keep one entry for each type' },
    { requirement: 'MUST', hint: ABSOLUTE },
  ],
  'hidden paths': [
    { says: /namespace/, hint: 'add {"type": "mount"} to /linux/namespaces' },
    { requirement: 'MUST', hint: ABSOLUTE },
  ],
  'time offsets': [
    { says: /isn't enabled/, hint: 'add {"type": "time"} to /linux/namespaces' },
    { says: /both/, hint: 'leave out the offsets, or the path of the time namespace' },
    { says: /clocks/, hint: 'leave it out: time_namespaces(7) has two clocks' },
    { hint: 'carry whole seconds over to secs' },
  ],
  'user namespace mappings': [
    { says: /but no/, hint: 'map ids: [{"containerID": 0, "hostID": 100000, "size": 65536}]' },
    { says: /isn't enabled/, hint: 'add {"type": "user"} to /linux/namespaces, or remove the mappings' },
    { says: /overlaps/, hint: 'let every id be in one range only, inside and outside' },
    { says: /ranges/, hint: 'join ranges that follow one another' },
    { says: /at least one/, hint: 'remove the entry, or give it a size' },
    { hint: 'make size smaller: the last id, 4294967295, cannot be mapped' },
  ],
  'user namespace path and mappings': [{ hint: 'remove the mappings: the namespace that is joined has its own' }],
  'mapped ids': [
    { at: /Mappings$/, hint: 'map id 0, which sets the container up' },
    { hint: 'add a mapping that has the id, or choose one that is mapped' },
  ],
  'idmapped mounts': [
    { says: /together/, requirement: 'MUST', hint: 'give both uidMappings and gidMappings, or neither' },
    { says: /user namespace/, requirement: 'MUST', hint: 'add uidMappings and gidMappings to the mount' },
    { hint: 'mend the mapping: no empty ranges, no overlaps, no id above 4294967294' },
  ],
  devices: [
    { says: /absolute/, requirement: 'REQUIRED', hint: ABSOLUTE },
    { says: /another/, hint: 'give each device a path of its own' },
    { says: /required/, requirement: 'REQUIRED', hint: 'add it: `stat -c "%Hr %Lr" DEVICE` tells both numbers' },
    { hint: 'choose a number that the kernel has' },
  ],
  'device access list': [
    { at: /\/type$/, hint: 'use a (all), b (block) or c (character)' },
    { at: /\/access$/, hint: 'write any of r (read), w (write) and m (mknod): "rwm"' },
    { hint: 'write a number, or leave it out for all' },
  ],
  'network devices': [
    { says: /namespace/, hint: 'add {"type": "network"} to /linux/namespaces' },
    { says: /^two/, requirement: 'MUST', hint: 'give each a name of its own, or end the name in %d' },
    { hint: 'choose at most 15 characters without spaces, "/" and ":"' },
  ],
  'cgroups path': [{ requirement: 'MUST', hint: 'write the path without ".."' }],
  memory: [
    { at: /\/swappiness$/, hint: 'choose a number from 0 to 100' },
    { hint: 'write a number of bytes, or -1 for no limit' },
  ],
  'kernel memory': [{ requirement: 'NOT RECOMMENDED', hint: 'remove it: kernels no longer have this limit' }],
  'memory hierarchy': [{ hint: 'remove it: kernels always count what is in child cgroups' }],
  'cpu burst': [{ requirement: 'MUST', hint: 'lower burst, or raise quota' }],
  'block io': [{ requirement: 'MUST', hint: 'add a weight' }],
  rdma: [
    { says: /at least/, requirement: 'MUST', hint: 'add hcaHandles or hcaObjects' },
    { hint: 'use a name of /sys/class/infiniband' },
  ],
  unified: [{ hint: 'name a file of cgroup v2, such as memory.high' }],
  sysctl: [
    { says: /ipc namespace/, hint: 'add {"type": "ipc"} to /linux/namespaces' },
    { says: /network namespace/, hint: 'add {"type": "network"} to /linux/namespaces' },
    { says: /conflicts/, hint: 'set the name with "hostname"' },
    { says: /not the name/, hint: 'write it as sysctl(8) does: net.ipv4.ip_forward' },
    { hint: 'remove it: it would change the host' },
  ],
  'intel rdt': [
    { at: /\/closID$/, hint: 'use the name of one directory, or "/" for the default class' },
    { requirement: 'SHOULD NOT', hint: 'use one line; other resources belong in schemata' },
  ],
  'memory policy': [
    { says: /expected a list/, hint: 'write nodes and ranges of them: 0-3,7' },
    { says: /takes no/, hint: 'leave nodes out, or use another mode' },
    { says: /needs nodes/, hint: 'name the nodes, such as "0"' },
    { says: /exclude/, hint: 'keep one of the two flags' },
    { hint: 'remove the flag, or use MPOL_BIND' },
  ],
  personality: [{ requirement: 'MUST', hint: 'remove the flags' }],
  'seccomp actions': [
    { says: /does not support/, requirement: 'MUST', hint: 'remove the errno, or use SCMP_ACT_ERRNO' },
    { says: /to (4095|65535)/, hint: 'use a number of errno(3)' },
    { says: /name of a system call/, hint: 'remove the empty name' },
    { at: /\/index$/, hint: 'count arguments from 0; there are six' },
  ],
  'seccomp listener': [
    { at: /Metadata$/, requirement: 'MUST NOT', hint: 'add listenerPath, or remove the metadata' },
    { at: /Path$/, hint: ABSOLUTE },
    { at: /defaultAction$/, hint: 'name the system calls that are to be asked about' },
    { says: /needs/, hint: 'add listenerPath, the socket of the agent' },
    { hint: 'leave write out: the start of a container needs it' },
  ],
}

/** The advice on something that a rule has found. */
export function adviceOn(rule: string, pointer: string, message: string): Advice | undefined {
  return ADVICE[rule]?.find(({ at, says }) => (at?.test(pointer) ?? true) && (says?.test(message) ?? true))
}
