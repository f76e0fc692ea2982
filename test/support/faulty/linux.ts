/** Namespaces, devices, names, paths: the basics of config-linux.md. */
import { type Faulty, named, withPid } from './faulty.ts'

export const LINUX: Faulty = {
  groups: ['linux'],
  faults: {
    'network-shared': {
      does: 'makes no new network namespace',
      sed: 's/,\\{"type":"network"\\}//',
      caught: ['namespace-new-net', 'sysctl'],
    },
    'root-writable': {
      does: 'leaves the root writable',
      sed: 's/"readonly":true/"readonly":false/',
      caught: ['root-readonly'],
    },
    'unknown-refused': {
      does: 'refuses properties that it does not know',
      script: `if [ "$verb" = create ] && grep -q '"nosuch":{' "$bundle/config.json" 2>/dev/null; then exit 1; fi`,
      caught: ['unknown-property'],
    },
    'ipc-shared': {
      does: 'makes no new ipc namespace',
      sed: 's/,\\{"type":"ipc"\\}//',
      caught: ['namespace-new-ipc', 'sysctl'],
    },
    'twice-once': {
      does: 'passes over a type listed twice',
      sed: 's/,\\{"type":"pid"\\}//',
      caught: ['namespace-twice'],
    },
    'type-passed-over': {
      does: 'passes over a type that is none',
      sed: 's/,\\{"type":"nosuch"\\}//',
      caught: ['namespace-unknown'],
    },
    'other-type-passed-over': {
      does: 'passes over a path of another type',
      sed: 's/,\\{"type":"cgroup","path":"\\/proc\\/self\\/ns\\/uts"\\}//',
      caught: ['namespace-path-type'],
    },
    'relative-from-root': {
      does: 'takes relative paths of namespaces from the root',
      sed: 's/"path":"proc\\/self/"path":"\\/proc\\/self/',
      caught: ['namespace-path-relative'],
    },
    'network-not-joined': {
      does: 'makes a network namespace where one is to be joined',
      sed: 's/\\{"type":"network","path":[^}]*\\}/{"type":"network"}/',
      caught: ['namespace-path'],
    },
    'groups-mapped-as-users': {
      does: 'maps groups as users are',
      sed: 's/"size":6000/"size":5000/',
      caught: ['user-namespace'],
    },
    'offset-lost': { does: 'leaves clocks as they are', sed: 's/"secs":4321/"secs":0/', caught: ['time-namespace'] },
    'links-lost': {
      does: 'makes no links in /dev',
      script: withPid('start', '[ -z "$pid" ] || rm -f "/proc/$pid/root/dev/fd"'),
      caught: ['devices-default'],
    },
    'mode-of-device': {
      does: 'lets everybody read devices',
      sed: 's/"fileMode":416/"fileMode":420/',
      caught: ['devices-made'],
    },
    'type-of-device': {
      does: 'takes a device of no type for a character device',
      sed: 's/"type":"x"/"type":"c"/',
      caught: ['devices-numbers'],
    },
    'readonly-lost': {
      does: 'leaves paths writable',
      sed: 's/"readonlyPaths":/"ignored":/',
      caught: ['readonly-paths'],
    },
    'root-made': {
      does: 'takes another root where it is missing',
      sed: 's/"no-such-folder"/"rootfs"/',
      caught: ['root-missing'],
    },
    'hostname-cut': { does: 'cuts the host name', sed: 's/"hostname":"abc"/"hostname":"ab"/', caught: ['hostname'] },
    'domainname-lost': { does: 'sets no domain name', sed: 's/"domainname":/"ignored":/', caught: ['domainname'] },
    'version-not-read': {
      does: 'takes any version',
      sed: 's/"ociVersion":"one"/"ociVersion":"1.0.0"/',
      caught: ['version-no-semver'],
    },
    'resctrl-not-missed': {
      does: 'does without resctrl',
      sed: 's/"intelRdt":/"ignored":/',
      caught: ['intel-rdt-missing'],
    },
    'masks-none': { does: 'masks nothing', sed: 's/"maskedPaths":/"ignored":/', caught: ['masked-paths'] },
    'names-none': {
      does: 'takes a rule of seccomp for no call',
      sed: 's/\\{"names":\\[\\],"action":"SCMP_ACT_ERRNO"\\}//; s/"SCMP_ACT_NOSUCH"/"SCMP_ACT_ALLOW"/',
      caught: ['seccomp-no-names', 'seccomp-action-unknown'],
    },
    'errno-of-its-own': {
      does: 'has an errno of its own',
      sed: 's/"errnoRet":99/"errnoRet":1/',
      caught: ['seccomp-errno'],
    },
    'process-ids-limited': {
      does: 'sets another limit',
      sed: 's/"pids":\\{"limit":37/"pids":{"limit":38/',
      caught: ['cgroup-pids'],
    },
  },
}

const maps = (size: string, id: string) => `"containerID":0,"hostID":${id},"size":${size}`

export const NAMESPACES: Faulty = {
  groups: ['namespaces'],
  faults: {
    'not-joined': {
      does: 'makes namespaces where some are to be joined',
      sed: 's/\\{"type":"(network|ipc|uts|pid|cgroup|time|user)","path":"[^"]*"\\}/{"type":"\\1"}/',
      caught: [
        ...named('namespace-path-', 'net ipc uts pid cgroup time user'),
        ...named('namespace-path-', 'missing file other-type'),
      ],
    },
    'always-new': {
      does: 'makes namespaces that nobody asks for',
      sed: ['network', 'ipc', 'uts', 'pid', 'cgroup']
        .map((type) => `/"type":"${type}"/!s/"namespaces":\\[/&{"type":"${type}"},/`)
        .join('; '),
      caught: named('namespace-inherited-', 'net ipc uts pid cgroup'),
    },
    'interface-moved': {
      does: 'moves an interface into new network namespaces',
      script: withPid(
        'start',
        '[ "$pid" ] && [ "$(readlink /proc/$pid/ns/net)" != "$(readlink /proc/self/ns/net)" ] && nsenter -t "$pid" -n ip link add veth9 type veth',
      ),
      caught: ['namespace-new-network-empty'],
    },
    'mapping-cut': {
      does: 'maps one user less',
      sed: 's/"hostID":300000,"size":5/"hostID":300000,"size":4/',
      caught: ['user-namespace-mappings'],
    },
    'mapping-elsewhere': {
      does: 'maps to other users',
      sed: `/"uid":12/s/${maps('65536', '100000')}/${maps('65536', '200000')}/g`,
      caught: ['user-namespace-owner'],
    },
    'rootfs-given-away': {
      does: 'gives the rootfs to root of the user namespace',
      script: `if [ "$verb" = create ] && [ -f "$bundle/rootfs/file" ]; then chown 100000 "$bundle/rootfs/file"; fi`,
      caught: ['user-namespace-rootfs-owner'],
    },
    'devices-bound-not': {
      does: 'makes no devices in a user namespace',
      script: withPid(
        'start',
        '[ "$pid" ] && [ "$(readlink /proc/$pid/ns/user)" != "$(readlink /proc/self/ns/user)" ] && nsenter -t "$pid" -m /bin/busybox umount /dev/full',
      ),
      caught: ['user-namespace-devices'],
    },
    'overlap-dropped': {
      does: 'drops mappings that overlap',
      sed: 's/,\\{"containerID":5[^}]*\\}//',
      caught: ['user-namespace-overlap'],
    },
    'offsets-lost': {
      does: 'leaves clocks as they are',
      sed: 's/"timeOffsets":/"ignored":/',
      caught: named('time-namespace-', 'offsets uptime clock-unknown'),
    },
    'time-shared': {
      does: 'makes no time namespace without offsets',
      sed: '/"timeOffsets"/!s/,\\{"type":"time"\\}//',
      caught: ['time-namespace-none'],
    },
  },
}
