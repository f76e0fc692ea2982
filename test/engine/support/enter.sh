#!/bin/sh
# enter.sh PID NAME DIR COMMAND...: runs a command on the host that host.sh made, whose process 1 is PID.
set -eu
pid=$1 name=$2 directory=$3
shift 3
for path in /sys/fs/cgroup/"$name" /sys/fs/cgroup/*/"$name"; do
  for file in tasks init/cgroup.procs cgroup.procs; do
    [ ! -e "$path/$file" ] || { echo 0 >"$path/$file"; break; }
  done
done
# Entering a PID namespace takes a fork: what is started must end when the one who started it is killed.
exec nsenter --target "$pid" --mount --net --uts --ipc --pid --cgroup -- \
  setpriv --pdeathsig KILL env -C "$directory" -- "$@"
