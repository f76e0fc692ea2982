/** config-linux.md but for intelRdt */
import { section } from './requirement.ts'

export const LINUX = [
  ...section('config-linux.md#default-filesystems', {
    'linux-filesystems-01': ['SHOULD', 'runtime', '/proc, /sys, /dev/pts and /dev/shm are there'],
  }),
  ...section('config-linux.md#namespaces', {
    'linux-namespaces-01': ['REQUIRED', 'config', 'a namespace has a type'],
    'linux-namespaces-02': ['SHOULD', 'runtime', 'pid, network, mount, ipc, uts, user, cgroup and time are supported'],
    'linux-namespaces-03': ['MUST', 'config', 'path is absolute'],
    'linux-namespaces-04': ['MUST', 'runtime', 'the process is in the namespace at path'],
    'linux-namespaces-05': ['MUST', 'runtime', 'a path that is no namespace of the type is an error'],
    'linux-namespaces-06': ['MUST', 'runtime', 'without a path a new namespace is made'],
    'linux-namespaces-07': ['MUST', 'runtime', 'a type that is not listed is that of the runtime'],
    'linux-namespaces-08': ['MUST', 'runtime', 'a type listed twice is an error'],
  }),
  ...section('config-linux.md#user-namespace-mappings', {
    'linux-userns-01': ['REQUIRED', 'config', 'a mapping has a containerID'],
    'linux-userns-02': ['REQUIRED', 'config', 'a mapping has a hostID'],
    'linux-userns-03': ['REQUIRED', 'config', 'a mapping has a size'],
    'linux-userns-04': ['SHOULD NOT', 'runtime', 'files of the rootfs keep their owners'],
  }),
  ...section('config-linux.md#devices', {
    'linux-devices-01': ['MUST', 'runtime', 'listed devices are there'],
    'linux-devices-02': ['REQUIRED', 'config', 'a device has a type'],
    'linux-devices-03': ['REQUIRED', 'config', 'a device has a path'],
    'linux-devices-04': ['MUST', 'runtime', 'a file of another kind at the path of a device is an error'],
    'linux-devices-05': ['REQUIRED', 'config', 'a device has numbers, but for a fifo'],
    'linux-devices-06': ['SHOULD NOT', 'config', 'a device is not listed twice'],
  }),
  ...section('config-linux.md#default-devices', {
    'linux-default-devices-01': [
      'MUST',
      'runtime',
      'null, zero, full, random, urandom, tty, ptmx (and console) are there',
    ],
  }),
  ...section('config-linux.md#network-devices', {
    'linux-netdev-01': ['MUST', 'runtime', 'listed network devices are in the container'],
    'linux-netdev-02': ['MUST', 'runtime', 'whether a network device can be moved is checked'],
    'linux-netdev-03': ['MUST', 'runtime', 'a name that the container has already is an error'],
    'linux-netdev-04': ['MUST', 'runtime', 'a name with %d lets the kernel choose a number'],
    'linux-netdev-05': ['MUST', 'runtime', 'attributes and permanent global addresses are kept'],
    'linux-netdev-06': ['MUST', 'runtime', 'a moved network device is up'],
  }),
  ...section('config-linux.md#namespace-lifecycle-and-container-termination', {
    'linux-netdev-07': [
      'MUST NOT',
      'runtime',
      'what becomes of network devices in the container is not the runtime’s to manage',
    ],
    'linux-netdev-08': ['MUST NOT', 'runtime', 'network devices are not moved out again before deletion'],
  }),
  ...section('config-linux.md#control-groups', {
    'linux-cgroups-01': ['MUST', 'runtime', 'a cgroup that was checked and found unfit is an error'],
  }),
  ...section('config-linux.md#cgroups-path', {
    'linux-cgroups-path-01': ['MUST', 'config', 'cgroupsPath is an absolute or a relative path'],
    'linux-cgroups-path-02': ['MUST', 'runtime', 'an absolute path begins at the mount point of cgroups'],
    'linux-cgroups-path-03': ['MUST', 'runtime', 'the same path is the same place each time'],
    'linux-cgroups-path-04': ['MUST', 'runtime', 'a path that the runtime does not take is an error'],
  }),
  ...section('config-linux.md#cgroup-ownership', {
    'linux-cgroups-owner-01': ['SHOULD NOT', 'runtime', 'v1: the owner of cgroups is not changed'],
    'linux-cgroups-owner-02': ['SHOULD NOT', 'runtime', 'without a new cgroup namespace the owner is not changed'],
    'linux-cgroups-owner-03': ['SHOULD', 'runtime', 'the owner is changed where cgroups are mounted to be written'],
    'linux-cgroups-owner-04': ['SHOULD NOT', 'runtime', 'without such a mount the owner is not changed'],
    'linux-cgroups-owner-05': [
      'SHOULD',
      'runtime',
      'only the directory and the kernel’s list of files change their owner',
    ],
    'linux-cgroups-owner-06': ['MUST NOT', 'runtime', 'a listed file that is not there is no reason to fail'],
    'linux-cgroups-owner-07': ['SHOULD', 'runtime', 'listed files that are there change their owner'],
    'linux-cgroups-owner-08': [
      'MUST',
      'runtime',
      'without the kernel’s list it is cgroup.procs, cgroup.subtree_control and cgroup.threads',
      { uncoverable: 'every kernel since 4.15 has the list, and it cannot be taken away' },
    ],
    'linux-cgroups-owner-09': ['SHOULD NOT', 'runtime', 'no other file changes its owner'],
  }),
  ...section('config-linux.md#allowed-device-list', {
    'linux-device-rules-01': ['MUST', 'runtime', 'rules of devices are applied in the listed order'],
    'linux-device-rules-02': ['REQUIRED', 'config', 'a rule of devices says allow'],
  }),
  ...section('config-linux.md#memory', {
    'linux-memory-01': ['NOT RECOMMENDED', 'config', 'memory.kernel is not used'],
    'linux-memory-02': ['NOT RECOMMENDED', 'config', 'memory.kernelTCP is not used'],
    'linux-memory-03': ['MUST', 'runtime', 'checkBeforeUpdate: a limit below what is in use is refused'],
  }),
  ...section('config-linux.md#cpu', {
    'linux-cpu-01': ['MUST', 'config', 'cpu.quota is no smaller than burst'],
    'linux-cpu-02': ['MUST', 'config', 'cpu.burst is no larger than quota'],
  }),
  ...section('config-linux.md#block-io', {
    'linux-blkio-01': ['REQUIRED', 'config', 'weightDevice has numbers'],
    'linux-blkio-02': ['MUST', 'config', 'weightDevice has weight or leafWeight'],
    'linux-blkio-03': ['REQUIRED', 'config', 'a throttle of bytes has numbers'],
    'linux-blkio-04': ['REQUIRED', 'config', 'a throttle of bytes has a rate'],
    'linux-blkio-05': ['REQUIRED', 'config', 'a throttle of operations has numbers'],
    'linux-blkio-06': ['REQUIRED', 'config', 'a throttle of operations has a rate'],
  }),
  ...section('config-linux.md#huge-page-limits', {
    'linux-hugepages-01': ['REQUIRED', 'config', 'a limit of huge pages has a pageSize'],
    'linux-hugepages-02': ['REQUIRED', 'config', 'a limit of huge pages has a limit'],
  }),
  ...section('config-linux.md#network', {
    'linux-network-01': ['REQUIRED', 'config', 'a priority has the name of an interface'],
    'linux-network-02': ['REQUIRED', 'config', 'a priority has a priority'],
  }),
  ...section('config-linux.md#pids', {
    'linux-pids-01': ['SHOULD', 'runtime', 'pids.limit 0 is a limit'],
  }),
  ...section('config-linux.md#rdma', {
    'linux-rdma-01': ['MUST', 'config', 'an entry of rdma has hcaHandles or hcaObjects'],
  }),
  ...section('config-linux.md#unified', {
    'linux-unified-01': ['MUST', 'runtime', 'controllers that unified needs are enabled'],
    'linux-unified-02': ['MUST', 'runtime', 'keys of unified that are not known are written all the same'],
    'linux-unified-03': ['MUST', 'runtime', 'a controller that is not there is an error'],
    'linux-unified-04': ['MUST', 'runtime', 'on v2, settings of v1 that cannot be converted are an error'],
  }),
  ...section('config-linux.md#memory-policy', {
    'linux-memory-policy-01': ['REQUIRED', 'config', 'memoryPolicy has a mode'],
  }),
  ...section('config-linux.md#seccomp', {
    'linux-seccomp-01': ['REQUIRED', 'config', 'seccomp has a defaultAction'],
    'linux-seccomp-02': ['MUST', 'runtime', 'defaultErrnoRet with an action that has none is an error'],
    'linux-seccomp-03': ['MUST', 'agent', 'the socket of the listener is a unix stream'],
    'linux-seccomp-04': ['MUST', 'runtime', 'one state is sent for each connection'],
    'linux-seccomp-05': ['MUST NOT', 'runtime', 'a connection is not used again'],
    'linux-seccomp-06': ['MUST', 'runtime', 'a connection is closed after the state'],
    'linux-seccomp-07': ['MUST', 'runtime', 'a state that cannot be sent is an error'],
    'linux-seccomp-08': ['REQUIRED', 'runtime', 'seccompFd is sent, and named in fds'],
    'linux-seccomp-09': ['MUST NOT', 'config', 'listenerMetadata comes with listenerPath'],
    'linux-seccomp-10': ['REQUIRED', 'config', 'an entry of syscalls has names'],
    'linux-seccomp-11': ['MUST', 'config', 'names has one entry at least'],
    'linux-seccomp-12': ['REQUIRED', 'config', 'an entry of syscalls has an action'],
    'linux-seccomp-13': ['MUST', 'runtime', 'errnoRet with an action that has none is an error'],
    'linux-seccomp-14': ['REQUIRED', 'config', 'an argument has an index'],
    'linux-seccomp-15': ['REQUIRED', 'config', 'an argument has a value'],
    'linux-seccomp-16': ['REQUIRED', 'config', 'an argument has an operator'],
  }),
  ...section('config-linux.md#the-container-process-state', {
    'linux-seccomp-state-01': ['MUST', 'runtime', 'the state is JSON over the socket'],
    'linux-seccomp-state-02': ['MUST', 'runtime', 'file descriptors go by SCM_RIGHTS'],
    'linux-seccomp-state-03': ['MUST', 'runtime', 'file descriptors go with the first message'],
    'linux-seccomp-state-04': ['REQUIRED', 'runtime', 'the process state has ociVersion'],
    'linux-seccomp-state-05': ['REQUIRED', 'runtime', 'the process state has the pid'],
    'linux-seccomp-state-06': ['REQUIRED', 'runtime', 'the process state has the state of the container'],
  }),
  ...section('config-linux.md#masked-paths', {
    'linux-masked-01': ['MUST', 'config', 'masked paths are absolute'],
  }),
  ...section('config-linux.md#readonly-paths', {
    'linux-readonly-01': ['MUST', 'config', 'read-only paths are absolute'],
  }),
  ...section('config-linux.md#personality', {
    'linux-personality-01': ['REQUIRED', 'config', 'personality has a domain'],
  }),
]
