/** Namespaces: by path, not listed, and what is in new ones. */
import { type Faulty, named, USERS_ADDED, withPid } from './faulty.ts'

const maps = (size: string, id: string) => `"containerID":0,"hostID":${id},"size":${size}`

export const NAMESPACES: Faulty = {
  groups: ['namespaces'],
  // The host's name changes, and there is a mount.
  apart: ['--uts', '--mount'],
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
    'time-of-its-own': {
      does: 'makes a time namespace that nobody asks for',
      sed: '/\\{ readlink \\/proc\\/self\\/ns\\/time; \\} >/s/"namespaces":\\[/&{"type":"time"},/',
      caught: ['namespace-inherited-time'],
    },
    'users-of-its-own': {
      does: 'makes a user namespace that nobody asks for',
      sed: `/\\{ readlink \\/proc\\/self\\/ns\\/user; \\} >/${USERS_ADDED}`,
      caught: ['namespace-inherited-user'],
    },
    // After what makes them anew.
    'pids-shared': {
      does: 'makes no new pid namespace',
      sed: '/echo \\$\\$; ls -d/s/\\{"type":"pid"\\},//',
      caught: ['namespace-new-pid-one'],
    },
    'cgroups-shared': {
      does: 'makes no new cgroup namespace',
      sed: '/\\{ cat \\/proc\\/self\\/cgroup; \\} >/s/,\\{"type":"cgroup"\\}//',
      caught: ['namespace-new-cgroup'],
    },
    'host-named': {
      does: 'gives the host a name',
      script: 'if [ "$verb" = start ]; then echo "conf-$$" >/proc/sys/kernel/hostname; fi',
      caught: ['namespace-uts-host-untouched'],
    },
    'mounted-outside': {
      does: 'mounts on the host',
      script: `
if grep -q 'mount -t tmpfs inside' "$2/../$last/config.json" 2>/dev/null; then
  case $verb in
  start) davit "$@" && mount -t tmpfs outside "$2/../$last/rootfs/tmp"; exit ;;
  delete) umount "$2/../$last/rootfs/tmp" ;;
  esac
fi`,
      caught: ['namespace-mount-host-untouched'],
    },
  },
}
