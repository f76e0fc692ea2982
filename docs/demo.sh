#!/bin/sh
# `make demo`: a container made of nothing but this machine's busybox. Shows what the container sees of itself, that its
# exit code is passed through, and that nothing of it is left. Needs root and a built davit.
set -eu
cd "$(dirname "$0")/.."
DAVIT=${DAVIT:-$PWD/build/davit}
[ "$(id -u)" = 0 ] || { echo 'make demo needs root' >&2; exit 1; }

id=demo-$$
bundle=$(mktemp -d)
trap 'rm -rf "$bundle"' EXIT

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
# What of the container is to be seen from the host.
left() {
  grep -lsxF "$id" /proc/[0-9]*/root/etc/hostname 2>/dev/null || :
  grep -F "$bundle" /proc/mounts || :
  find /sys/fs/cgroup -type d -name "$id" || :
  find /run/davit -name "*$id*" 2>/dev/null || :
}

say '1. A bundle: a folder with a root file system and config.json'
mkdir -p "$bundle/rootfs/bin" "$bundle/rootfs/proc" "$bundle/rootfs/etc"
cp "$(command -v busybox)" "$bundle/rootfs/bin/"
chroot "$bundle/rootfs" /bin/busybox --install -s /bin
echo "$id" >"$bundle/rootfs/etc/hostname"
"$DAVIT" spec --bundle "$bundle"
cat >"$bundle/rootfs/show" <<'SHOW'
#!/bin/sh
echo "hostname    $(hostname)"
echo "kernel      $(uname -sr)"
echo "user        $(id)"
echo "capability  $(grep CapEff /proc/self/status)"
echo "processes"
ps -o pid,user,args | sed 's/^/            /'
echo "mounts"
awk '{ printf "            %-22s %s\n", $2, $3 }' /proc/mounts
echo "cgroup      $(tail -1 /proc/self/cgroup)"
echo "network     $(ip -o link | awk '{ print $2 }' | tr '\n' ' ')"
echo "read-only   $(touch /file 2>&1)"
exit 42
SHOW
chmod +x "$bundle/rootfs/show"
sed -i 's|"sh"|"/show"|; s|"terminal": true|"terminal": false|; s|"type": "mount"|&}, {"type": "cgroup"|' \
  "$bundle/config.json"
ls -p "$bundle"

say "2. davit run $id: what the container sees"
status=0
"$DAVIT" run --bundle "$bundle" "$id" || status=$?

say "3. Its exit code, passed through: $status"
[ "$status" = 42 ]

say '4. What is left of it'
rest=$(left)
[ -z "$rest" ] && echo 'nothing: no process, no mount, no cgroup, no state' || { echo "$rest"; exit 1; }

say '5. The same in steps, as engines do it'
sed -i 's|"/show"|"sleep","100"|' "$bundle/config.json"
show() { echo "\$ davit $*"; "$DAVIT" "$@"; }
show create --bundle "$bundle" "$id" </dev/null >/dev/null
show start "$id"
show list
show kill "$id" KILL
while "$DAVIT" state "$id" | grep -q '"running"'; do sleep 0.05; done
show list
show delete "$id"
rest=$(left)
[ -z "$rest" ] || { echo "$rest"; exit 1; }
echo 'nothing is left'
