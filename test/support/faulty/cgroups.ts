/** Limits of cgroups, their paths and owners, device rules. */
import { readFileSync } from 'node:fs'
import type { Need } from '../requires.ts'
import { type Faulty, named } from './faulty.ts'

const readCgroups = () => readFileSync('/proc/cgroups', 'utf8')

const DENY = '\\{"allow":false,"access":"rwm"\\}'
const OWN = '"type":"c","major":1,"minor":11'

export const CGROUPS: Faulty = {
  groups: ['cgroups'],
  faults: {
    'unlimited-refused': {
      does: 'does not know that -1 is no limit',
      script: `if [ "$verb" = create ] && grep -qE '"(limit|swap|quota)":-1' "$bundle/config.json" 2>/dev/null; then exit 1; fi`,
      caught: named('cgroup-', 'memory-unlimited memory-swap-unlimited cpu-quota-none pids-unlimited'),
    },
    'memory-halved': {
      does: 'halves the limit of memory',
      sed: 's/"memory":\\{"limit":67108864\\}/"memory":{"limit":33554432}/; s/"reservation":33554432/"reservation":16777216/',
      caught: named('cgroup-', 'memory-limit memory-reservation'),
    },
    'swap-elsewhere': {
      does: 'has another limit of swap',
      sed: 's/"swap":134217728/"swap":100663296/; s/"swap":67108864/"swap":134217728/',
      caught: named('cgroup-', 'memory-swap memory-swap-none'),
    },
    'memory-details-lost': {
      does: 'has another swappiness, and an OOM killer',
      sed: 's/"swappiness":17/"swappiness":18/; s/"disableOOMKiller":true/"disableOOMKiller":false/',
      caught: named('cgroup-', 'memory-swappiness memory-oom-killer'),
    },
    'cpu-elsewhere': {
      does: 'has other shares, quotas, bursts and periods',
      sed: [
        's/"shares":512/"shares":256/',
        's/"quota":30000,"period":90000\\}/"quota":20000,"period":80000}/',
        's/"burst":7000/"burst":6000/',
        's/"idle":1/"idle":0/',
        's/"realtimePeriod":500000,"realtimeRuntime":0/"realtimePeriod":400000,"realtimeRuntime":0/',
      ].join('; '),
      caught: named('cgroup-', 'cpu-shares cpu-quota cpu-period cpu-burst cpu-idle cpu-realtime'),
    },
    'cpuset-elsewhere': {
      does: 'takes other CPUs and nodes',
      sed: 's/"cpus":"0"/"cpus":"0-1"/; s/"mems":"0"/"mems":"7"/',
      caught: named('cgroup-', 'cpu-cpus cpu-mems'),
    },
    'pids-elsewhere': {
      does: 'allows one process more, and with 0 as many as come',
      sed: 's/"pids":\\{"limit":37/"pids":{"limit":38/; s/"pids":\\{"limit":0\\}/"pids":{"limit":-1}/',
      caught: named('cgroup-', 'pids-limit pids-zero'),
    },
    'io-elsewhere': {
      does: 'has other weights and rates',
      sed: 's/"weight":300/"weight":200/; s/"rate":1048576/"rate":2097152/',
      caught: named(
        'cgroup-blkio-',
        'weight throttle-read-bps-device throttle-write-bps-device throttle-read-i-o-p-s-device throttle-write-i-o-p-s-device',
      ),
    },
    'others-elsewhere': {
      does: 'has another limit of huge pages, another class and priority of the network',
      sed: 's/"limit":4194304/"limit":2097152/; s/"classID":1048577/"classID":1048578/; s/"priority":7/"priority":6/',
      caught: named('cgroup-', 'hugetlb-limit network-class network-priorities'),
    },
    'reservations-free': {
      does: 'limits huge pages that are used, and lets any number be reserved',
      script: `
if [ "$verb" = create ] && grep -q '"limit":6291456' "$bundle/config.json" 2>/dev/null; then
  davit "$@" || exit
  for file in /sys/fs/cgroup/"$last"/hugetlb.2MB.rsvd.* "/sys/fs/cgroup"/*/"$last"/hugetlb.2MB.rsvd.*; do
    case $file in *.max | *.limit_in_bytes) echo 8388608 >"$file" ;; esac
  done
  exit 0
fi`,
      caught: ['cgroup-hugetlb-reservations'],
    },
    'nonsense-passed-over': {
      does: 'passes over controllers, CPUs, limits and devices that there are not',
      sed: [
        's/"nosuch.max":"1"//',
        's/"cpus":"(4095|one)"/"cpus":"0"/',
        's/"limit":"64m"/"limit":67108864/',
        's/"limit":"max"/"limit":100/',
        's/\\{"major":4094[^}]*\\}//',
      ].join('; '),
      caught: named(
        'cgroup-',
        'unified-unknown-controller cpu-cpus-none cpu-cpus-no-list memory-limit-string pids-limit-string blkio-no-device',
      ),
    },
    'unified-lost': {
      does: 'writes no files of v2',
      sed: 's/"unified":\\{"(pids.max|memory.high|cpu.weight|cgroup.max.depth)":"[^"]*"\\}/"unified":{}/',
      caught: named('cgroup-unified-', 'pids.max memory.high cpu.weight cgroup.max.depth'),
    },
    'path-cut': {
      does: 'takes the last name of a path only',
      sed: 's/"cgroupsPath":"\\/conf-[^"\\/]*-a\\//"cgroupsPath":"\\//',
      caught: ['cgroup-path-from-mount-point'],
    },
    'relative-anywhere': {
      does: 'takes a relative path for another place each time',
      sed: `s/"cgroupsPath":"(conf-[^"]*)"/"cgroupsPath":"\\1-'$$'"/`,
      caught: ['cgroup-path-relative-same'],
    },
    'existing-refused': {
      does: 'refuses a cgroup that is there',
      script: `
if [ "$verb" = create ]; then
  for place in /sys/fs/cgroup "/sys/fs/cgroup"/*; do [ ! -d "$place/$last" ] || exit 1; done
fi`,
      caught: ['cgroup-path-existing'],
    },
    'owner-changed': {
      does: 'gives cgroups to the user of the process, where they are not mounted',
      script: `
if [ "$verb" = create ] && grep -q '"uid":1000' "$bundle/config.json" 2>/dev/null && ! grep -q '"type":"cgroup","source"' "$bundle/config.json"; then
  davit "$@" || exit
  for place in /sys/fs/cgroup "/sys/fs/cgroup"/*; do [ ! -d "$place/$last" ] || chown 1000 "$place/$last"; done
  exit 0
fi`,
      caught: named('cgroup-owner-', 'v1 no-namespace no-mount'),
    },
    'cgroup-shared': {
      does: 'makes no cgroup without a path',
      script: `
if [ "$verb" = create ] && ! grep -q cgroupsPath "$bundle/config.json" 2>/dev/null; then
  set -- --cgroup-manager disabled "$@"
fi`,
      caught: ['cgroup-path-unset'],
    },
    'rules-of-its-own': {
      does: 'takes rules for others than they are',
      sed: [
        `s/"devices":\\[${DENY}\\]/"devices":[{"allow":true,"access":"rwm"}]/`,
        `s/"devices":\\[(${DENY}),\\{"allow":true,"access":"rwm",${OWN}\\}\\]/"devices":[\\1]/`,
        `s/,\\{"allow":false,"access":"rwm",${OWN}\\}\\]/]/`,
        `s/(\\{"allow":false,"access":"rwm",${OWN}\\}),\\{"allow":true[^}]*\\}\\]/\\1]/`,
        `s/"allow":true,"access":"rwm","type":"c"\\}/"allow":false,"access":"rwm","type":"c"}/`,
        's/"allow":true,"access":"r",/"allow":true,"access":"rwm",/',
        's/"minor":12/"minor":11/',
      ].join('; '),
      caught: named('device-rules-', 'deny-all allow order order-again wildcard access other-minor'),
    },
    'children-elsewhere': {
      does: 'moves the children of the process to the root of the hierarchy',
      script: `
if [ "$verb" = start ] && grep -q 'sleep 300 & sleep 300 & echo up' "$2/../$last/config.json" 2>/dev/null; then
  davit "$@" || exit
  pid=$(davit --root "$2" state "$last" | sed -n 's/.*"pid": *\\([0-9]*\\).*/\\1/p')
  until [ -e "$2/../$last/rootfs/up" ]; do sleep 0.02; done
  for child in $(cat /proc/"$pid"/task/"$pid"/children); do
    for place in /sys/fs/cgroup /sys/fs/cgroup/pids; do [ ! -e "$place/cgroup.procs" ] || echo "$child" >"$place/cgroup.procs"; done
  done 2>/dev/null
  exit 0
fi`,
      caught: ['cgroup-all-processes'],
    },
  },
}

export const CGROUPS_V2: Faulty = {
  groups: ['cgroups'],
  only: '^cgroup-(v2-|owner-delegated)',
  needs: ['cgroup2'],
  faults: {
    'settings-of-v1-passed-over': {
      does: 'passes over what only v1 has',
      sed: [
        's/"swappiness":17/"limit":67108864/',
        's/"realtimePeriod":500000,"realtimeRuntime":100000/"shares":512/',
        's/"network":\\{[^}]*\\}/"pids":{"limit":37}/',
      ].join('; '),
      caught: ['cgroup-v2-swappiness', 'cgroup-v2-realtime', 'cgroup-v2-network-class'],
    },
    'owner-unchanged': {
      does: 'keeps cgroups for root, though they are mounted to be written',
      sed: 's/"uid":1000,"gid":1000/"uid":0,"gid":0/',
      caught: ['cgroup-owner-delegated'],
    },
  },
}

/** Controllers of v1 that distributions leave unmounted, beside v2; the hierarchy goes with the namespace. */
const UNMOUNTED: Need = {
  name: 'net_cls and net_prio, in no hierarchy',
  optional: true,
  met: () => ['net_cls', 'net_prio'].every((name) => new RegExp(`^${name}\t0\t`, 'm').test(readCgroups())),
}

export const CGROUPS_NETWORK: Faulty = {
  groups: ['cgroups'],
  only: '^cgroup-network-',
  needs: ['cgroup2', UNMOUNTED],
  apart: ['--mount'],
  first: 'mount -t cgroup -o net_cls,net_prio network /mnt',
  faults: {
    'network-elsewhere': {
      does: 'has another class and priority of the network',
      sed: 's/"classID":1048577/"classID":1048578/; s/"priority":7/"priority":6/',
      caught: ['cgroup-network-class', 'cgroup-network-priorities'],
    },
  },
}
