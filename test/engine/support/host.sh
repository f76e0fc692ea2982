#!/bin/sh
# host.sh DIR PROGRAM: makes the namespaces it is started in a host of its own, then becomes PROGRAM, its process 1.
# What an engine makes here (mounts, links, rules of iptables, cgroups) is on no other host, and all that is here is its.
set -eu
directory=$1 program=$2

# A cgroup of its own in every hierarchy; it is what its own cgroup namespace, entered from there, has for a root.
if [ "${3:-}" != inside ]; then
  while read -r _ _ _ _ path rest; do
    # Not the tmpfs that v1 is mounted on, whatever has been written there.
    case "$path $rest" in /sys/fs/cgroup*' - cgroup '* | /sys/fs/cgroup*' - cgroup2 '*) ;; *) continue ;; esac
    [ -w "$path/cgroup.procs" ] || continue
    own=$path/${directory##*/}
    mkdir "$own"
    for file in cpuset.cpus cpuset.mems; do
      [ ! -w "$own/$file" ] || [ -e "$own/cgroup.controllers" ] || cat "$path/$file" >"$own/$file"
    done
    echo 0 >"$own/cgroup.procs"
  done </proc/self/mountinfo
  exec unshare --cgroup "$0" "$directory" "$program" inside
fi

mount -t proc proc /proc
groups=$(grep -E ' - cgroup2? ' /proc/self/mountinfo | sed 's/ - / /' | awk '{ print $5, $(NF-2), $NF }')
umount -R -l /sys
mount -t sysfs sysfs /sys
[ "$(echo "$groups" | wc -l)" = 1 ] || mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
echo "$groups" | while read -r path type options; do
  mkdir -p "$path"
  [ "$type" = cgroup2 ] && options=rw || options=${options#rw,}
  mount -t "$type" -o "$options" cgroup "$path"
done
# Where v2 has all controllers: they go to children only when no process is in their parent.
cd /sys/fs/cgroup
if [ -e cgroup.controllers ]; then
  mkdir init
  echo 1 >init/cgroup.procs
  for name in $(cat cgroup.controllers); do echo "+$name" >cgroup.subtree_control; done
fi
cd /
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock
ip link set lo up
hostname engine
echo ready
exec "$program" <&- >&- 2>&-
