/** Namespaces, devices, names, paths: the basics of config-linux.md. */
import { type Faulty, USERS_ADDED, withPid } from './faulty.ts'

export const LINUX: Faulty = {
  groups: ['linux'],
  // It mounts.
  apart: ['--mount'],
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
    'pids-shared': {
      does: 'makes no new pid namespace',
      sed: '/ns=\\$\\(readlink \\/proc\\/self\\/ns\\/pid/s/\\{"type":"pid"\\},//',
      caught: ['namespace-new-pid'],
    },
    'mounts-shared': {
      does: 'makes no new mount namespace: what is to be mounted in the container is mounted on the host',
      sed: '/ns=\\$\\(readlink \\/proc\\/self\\/ns\\/mnt/{s/\\{"type":"mount"\\},//; s/"mounts":\\[[^]]*(\\[[^]]*\\][^]]*)*\\]/"mounts":[]/}',
      script: `
if grep -q 'ns=$(readlink /proc/self/ns/mnt' "$2/../$last/config.json" 2>/dev/null; then
  root=$2/../$last/rootfs
  case $verb in
  create)
    mkdir -p "$root/look"
    mount --bind "$(sed -n 's/.*"\\/look","type":"bind","source":"\\([^"]*\\)".*/\\1/p' "$root/../config.json")" "$root/look"
    mount -t proc proc "$root/proc" ;;
  delete) umount "$root/look" "$root/proc" ;;
  esac
fi`,
      caught: ['namespace-new-mnt'],
    },
    'names-shared': {
      does: 'makes no new uts namespace',
      sed: '/ns=\\$\\(readlink \\/proc\\/self\\/ns\\/uts/{s/,\\{"type":"uts"\\}//; s/"hostname":"[^"]*",//}',
      caught: ['namespace-new-uts'],
    },
    'users-of-its-own': {
      does: 'makes a user namespace that nobody asks for',
      sed: `/\\{ readlink \\/proc\\/self\\/ns\\/user/${USERS_ADDED}`,
      caught: ['namespace-inherited'],
    },
    // Last: it changes the words that others count.
    'cgroup-once': {
      does: 'makes no cgroup the second time',
      script: `
if [ "$verb" = create ]; then
  again=
  [ ! -e "$2/.$last" ] || again=1
  : >"$2/.$last"
  [ -z "$again" ] || set -- --cgroup-manager disabled "$@"
fi`,
      caught: ['cgroup-path-absolute'],
    },
  },
}
