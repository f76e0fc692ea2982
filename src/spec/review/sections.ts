/** Which section of the OCI runtime specification 1.3 defines the field at a place. */

/** Places with what is below them, the most specific first; `*` is any one token. */
const SECTIONS: readonly (readonly [place: string, clause: string])[] = [
  ['/ociVersion', 'config.md#specification-version'],
  ['/root', 'config.md#root'],
  ['/mounts/*/options', 'config.md#linux-mount-options'],
  ['/mounts/*/type', 'config.md#posix-platform-mounts'],
  ['/mounts/*/uidMappings', 'config.md#posix-platform-mounts'],
  ['/mounts/*/gidMappings', 'config.md#posix-platform-mounts'],
  ['/mounts', 'config.md#mounts'],
  ['/process/user', 'config.md#posix-platform-user'],
  ['/process/rlimits', 'config.md#posix-process'],
  ['/process/apparmorProfile', 'config.md#linux-process'],
  ['/process/capabilities', 'config.md#linux-process'],
  ['/process/noNewPrivileges', 'config.md#linux-process'],
  ['/process/oomScoreAdj', 'config.md#linux-process'],
  ['/process/scheduler', 'config.md#linux-process'],
  ['/process/selinuxLabel', 'config.md#linux-process'],
  ['/process/ioPriority', 'config.md#linux-process'],
  ['/process/execCPUAffinity', 'config.md#linux-process'],
  ['/process', 'config.md#process'],
  ['/hostname', 'config.md#hostname'],
  ['/domainname', 'config.md#domainname'],
  ['/hooks', 'config.md#posix-platform-hooks'],
  ['/annotations', 'config.md#annotations'],
  ['/linux/namespaces', 'config-linux.md#namespaces'],
  ['/linux/uidMappings', 'config-linux.md#user-namespace-mappings'],
  ['/linux/gidMappings', 'config-linux.md#user-namespace-mappings'],
  ['/linux/timeOffsets', 'config-linux.md#offset-for-time-namespace'],
  ['/linux/devices', 'config-linux.md#devices'],
  ['/linux/netDevices', 'config-linux.md#network-devices'],
  ['/linux/cgroupsPath', 'config-linux.md#cgroups-path'],
  ['/linux/resources/devices', 'config-linux.md#allowed-device-list'],
  ['/linux/resources/memory', 'config-linux.md#memory'],
  ['/linux/resources/cpu', 'config-linux.md#cpu'],
  ['/linux/resources/blockIO', 'config-linux.md#block-io'],
  ['/linux/resources/hugepageLimits', 'config-linux.md#huge-page-limits'],
  ['/linux/resources/network', 'config-linux.md#network'],
  ['/linux/resources/pids', 'config-linux.md#pids'],
  ['/linux/resources/rdma', 'config-linux.md#rdma'],
  ['/linux/resources/unified', 'config-linux.md#unified'],
  ['/linux/resources', 'config-linux.md#control-groups'],
  ['/linux/intelRdt', 'config-linux.md#intelrdt'],
  ['/linux/memoryPolicy', 'config-linux.md#memory-policy'],
  ['/linux/sysctl', 'config-linux.md#sysctl'],
  ['/linux/seccomp', 'config-linux.md#seccomp'],
  ['/linux/rootfsPropagation', 'config-linux.md#rootfs-mount-propagation'],
  ['/linux/maskedPaths', 'config-linux.md#masked-paths'],
  ['/linux/readonlyPaths', 'config-linux.md#readonly-paths'],
  ['/linux/mountLabel', 'config-linux.md#mount-label'],
  ['/linux/personality', 'config-linux.md#personality'],
  ['/linux', 'config-linux.md#linux-container-configuration'],
  ['/solaris', 'config.md#platform-specific-configuration'],
  ['/windows', 'config.md#platform-specific-configuration'],
  ['/vm', 'config.md#platform-specific-configuration'],
  ['/zos', 'config.md#platform-specific-configuration'],
  ['/freebsd', 'config.md#platform-specific-configuration'],
]

const PREFIXES = SECTIONS.map(([place, clause]) => ({ tokens: place.slice(1).split('/'), clause }))

/** DOCUMENT#ANCHOR for a JSON pointer. */
export function sectionOf(pointer: string): string {
  const tokens = pointer.slice(1).split('/')
  const found = PREFIXES.find((prefix) => prefix.tokens.every((token, i) => token === '*' || token === tokens[i]))
  return found?.clause ?? 'config.md#configuration'
}

/** Every clause that can be named, for the test that looks them up. */
export const CLAUSES: readonly string[] = ['config.md#configuration', ...new Set(SECTIONS.map(([, clause]) => clause))]
