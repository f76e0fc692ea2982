/** What faulty runtimes do to mounts, devices, descriptors and features, and the cases that are to catch them. */
import { type Fault, print, spoil, succeed } from './fake_runtime.ts'

const named = (prefix: string, names: string) => names.split(' ').map((name) => `${prefix}${name}`)

/** Drops --preserve-fds and its number, or adds one, and goes on. */
const preserve = (words: string) => `
if [ "$verb" = create ]; then
  unset LISTEN_FDS LISTEN_PID
  id=$last
  for word; do
    shift
    case $word in --preserve-fds) skip=1; continue ;; "$id") continue ;; esac
    [ "$skip" ] && { skip=; continue; }
    set -- "$@" "$word"
  done
  set -- "$@" ${words} "$id"
fi`

export const FAULTS_DETAIL: Readonly<Record<string, Fault>> = {
  'mappings-of-mounts-lost': {
    does: 'does not see the mappings of mounts',
    script: spoil('s/("r?idmap"\\]),"uidMappings":\\[[^]]*\\],"gidMappings":\\[[^]]*\\]/\\1/'),
    groups: ['idmap'],
    caught: named('mount-', 'idmap idmap-written idmap-user-namespace idmap-below ridmap-below'),
  },
  'mappings-flat': {
    does: 'takes ridmap for idmap',
    script: spoil('s/"ridmap"/"idmap"/'),
    groups: ['idmap'],
    caught: ['mount-ridmap-below'],
  },
  'mappings-not-missed': {
    does: 'makes mounts without mappings, though mappings are asked for',
    script: spoil('s/("rbind"),"r?idmap"\\]\\}/\\1]}/'),
    groups: ['idmap'],
    caught: named('mount-', 'idmap-of-namespace idmap-nothing ridmap-of-namespace ridmap-nothing'),
  },
  'mappings-halved': {
    does: 'makes a mount without mappings where half of them are missing',
    script: spoil('s/("bind"),"idmap"\\],"(uid|gid)Mappings":\\[[^]]*\\]\\}/\\1]}/'),
    groups: ['idmap'],
    caught: named('mount-maps-', 'uidMappings-alone gidMappings-alone'),
  },
  'mappings-everywhere': {
    does: 'maps ids of a mount that asks for nothing',
    script: spoil('s/(source","options":\\["bind")\\]/\\1,"idmap"]/'),
    groups: ['idmap'],
    caught: ['mount-idmap-unmapped'],
  },
  'recursion-lost': {
    does: 'changes the upper mount only',
    script: spoil('s/"rbind","r([a-z]{2,})"/"rbind","\\1"/'),
    groups: ['mount-attributes'],
    caught: [
      ...named('mount-tree-', 'rro rrw rnosuid rsuid rnodev rdev rnoexec rexec rnodiratime rdiratime rnoatime ratime'),
      ...named('mount-tree-', 'rrelatime rstrictatime rnosymfollow rsymfollow'),
    ],
  },
  'recursion-everywhere': {
    does: 'changes all mounts, where only the upper one is to change',
    script: spoil('s/"rbind","(ro|nosuid)"/"rbind","r\\1"/'),
    groups: ['mount-attributes'],
    caught: ['mount-tree-ro', 'mount-tree-nosuid'],
  },
  'propagation-lost': {
    does: 'makes private mounts where slaves are asked for',
    script: spoil('s/"rbind","(r?)slave"/"rbind","\\1private"/'),
    groups: ['mount-attributes'],
    caught: ['mount-option-slave', 'mount-option-rslave'],
  },
  'options-refused': {
    does: 'refuses options that have no effect to be seen',
    script:
      'if [ "$verb" = create ] && grep -qE "\\"((no)?iversion|symfollow|rnorelatime|rnostrictatime)" "$bundle/config.json"; then exit 1; fi',
    groups: ['mount-attributes'],
    caught: [
      ...named('mount-option-', 'iversion noiversion symfollow'),
      ...named('mount-tree-', 'rnorelatime rnostrictatime'),
    ],
  },
  'lazy-swapped': {
    does: 'is lazy where it is not to be',
    script: spoil('s/"lazytime"/"x"/; s/"nolazytime"/"lazytime"/; s/"x"/"nolazytime"/'),
    groups: ['mount-attributes'],
    caught: ['mount-option-lazytime', 'mount-option-nolazytime'],
  },
  'remount-lost': {
    does: 'mounts once more instead',
    script: spoil('s/"remount","ro"/"ro"/'),
    groups: ['mount-attributes'],
    caught: ['mount-option-remount'],
  },
  'interfaces-lost': {
    does: 'moves no interfaces',
    script: spoil('s/"netDevices":/"ignored":/'),
    groups: ['network-devices'],
    caught: [
      ...named('netdev-', 'moved up renamed template attributes addresses left-alone'),
      ...named('netdev-', 'stays name-taken cannot-move missing'),
    ],
  },
  'interfaces-down': {
    does: 'leaves interfaces down',
    script: `
if [ "$verb" = start ]; then
  davit "$@" || exit
  pid=$(davit --root "$2" state "$last" | sed -n 's/.*"pid": *\\([0-9]*\\).*/\\1/p')
  for name in $(nsenter -t "$pid" -n sed -nE 's/^ *((cf|inside)[^:]*):.*/\\1/p' /proc/net/dev); do
    nsenter -t "$pid" -n ip link set "$name" down
  done
  exit 0
fi`,
    groups: ['network-devices'],
    // Addresses of IPv6 do not outlive it.
    caught: ['netdev-up', 'netdev-addresses'],
  },
  'sysfs-lost': {
    does: 'mounts a tmpfs for sysfs',
    script: spoil('s/"type":"sysfs"/"type":"tmpfs"/'),
    groups: ['filesystem'],
    caught: ['filesystems-default'],
  },
  'devices-over-files': {
    does: 'makes devices in place of whatever is there',
    script: 'if [ "$verb" = create ]; then rm -rf "$bundle/rootfs/mine/device"; fi',
    groups: ['filesystem'],
    caught: named('devices-', 'file-there folder-there other-there'),
  },
  'devices-never-there': {
    does: 'refuses a device that is there already',
    script: 'if [ "$verb" = create ] && [ -c "$bundle/rootfs/mine/device" ]; then exit 1; fi',
    groups: ['filesystem'],
    caught: ['devices-there'],
  },
  'hooks-of-host-lost': {
    does: 'finds no hooks of the host',
    script: spoil('s/"path":"[^"]*\\/hook"/"path":"\\/bin\\/true"/'),
    groups: ['hooks-detail'],
    caught: named('hooks-', 'prestart-path createRuntime-path createContainer-path poststart-path poststop-path'),
  },
  'warnings-lost': {
    does: 'says nothing of what it leaves out',
    script: `
case $verb in create | start)
  log=
  for word; do [ "$before" = --log ] && log=$word; before=$word; done
  davit "$@" 2>/dev/null
  code=$?
  [ -z "$log" ] || : >"$log"
  exit $code ;;
esac`,
    groups: ['state'],
    caught: ['capabilities-unknown-warned'],
  },
  'state-untyped': {
    does: 'tells annotations that are no texts',
    script: print('state', 's/("org.example.conformance": *)"[^"]*"/\\11/'),
    groups: ['state'],
    caught: ['state-schema'],
  },
  'descriptors-lost': {
    does: 'hands no descriptors on',
    script: preserve(''),
    groups: ['preserve-fds'],
    caught: ['create-preserve-fds', 'create-listen-fds'],
  },
  'descriptors-leaked': {
    does: 'hands on whatever the caller has open',
    script: preserve('--preserve-fds 3'),
    groups: ['preserve-fds'],
    caught: ['create-preserve-fds', 'create-preserve-fds-none', 'create-listen-fds'],
  },
  'checkpoint-never-fails': {
    does: 'takes every checkpoint for a success',
    script: succeed('checkpoint'),
    groups: ['checkpoint'],
    caught: named('checkpoint-', 'unknown stopped fails'),
  },
  'restore-never-fails': {
    does: 'takes every restore for a success',
    script: succeed('restore'),
    groups: ['checkpoint'],
    caught: ['restore-nothing', 'restore-id-taken'],
  },
  'update-never-fails': {
    does: 'takes every update for a success',
    script: succeed('update'),
    groups: ['cgroups'],
    caught: ['update-memory-checked'],
  },
  'cgroups-cut': {
    does: 'cuts names of cgroups that are too long',
    script: spoil('s/"cgroupsPath":"\\/(xxxx)x*"/"cgroupsPath":"\\/\\1"/'),
    groups: ['cgroups'],
    caught: ['cgroup-path-too-long'],
  },
  'cgroups-thawed': {
    does: 'thaws what it finds frozen',
    script:
      'if [ "$verb" = create ]; then for id in $(davit --root "$2" list -q); do davit --root "$2" resume "$id"; done 2>/dev/null; fi',
    groups: ['cgroups'],
    caught: ['cgroup-frozen'],
  },
  'features-made-up': {
    does: 'lists what it does not take, and not what it does',
    script: print(
      'features',
      's/"mountExtensions"/"ignored"/; s/"sync"/"mode=x"/; s/"MPOL_LOCAL"/"MPOL_NOSUCH"/; s/_FLAG_LOG/_FLAG_NOSUCH/',
    ),
    groups: ['features-detail'],
    caught: named('features-', 'idmap mount-options memory-policy seccomp-flags'),
  },
  'features-of-the-host': {
    does: 'looks at the host when it is asked for features',
    script: `[ -d /sys/fs ] || { ${print('features', 's/"v2": *true/"v2": false/')}
}`,
    groups: ['features-detail'],
    caught: ['features-static'],
  },
}
