/** create, start, kill and delete. */
import type { Faulty } from './faulty.ts'

export const OPERATIONS: Faulty = {
  groups: ['create', 'start', 'kill', 'delete'],
  faults: {
    'bundle-not-missed': {
      does: 'makes the bundle that is missing',
      script: `if [ "$verb" = create ] && [ ! -d "$bundle" ]; then cp -r "\${bundle%/missing}" "\${bundle%/missing}.copy"; mv "\${bundle%/missing}.copy" "$bundle"; fi`,
      caught: ['create-needs-bundle'],
    },
    'ids-cleaned': {
      does: 'makes an id of what is none',
      script: `case $verb:$last in "create:a b" | "delete:a b") for word; do shift; [ "$word" = "a b" ] && word=ab; set -- "$@" "$word"; done ;; esac`,
      caught: ['create-invalid-id'],
    },
    'failure-left': {
      does: 'leaves a cgroup when create fails',
      script: `
if [ "$verb" = create ] && grep -q no-such-filesystem "$bundle/config.json" 2>/dev/null; then
  for place in /sys/fs/cgroup/pids /sys/fs/cgroup; do [ -d "$place" ] && mkdir "$place/$last" 2>/dev/null && break; done
  exit 1
fi`,
      caught: ['create-failure-leaves-nothing'],
    },
    'config-read-late': {
      does: 'reads the configuration when it starts',
      script: `
if [ "$verb" = start ] && grep -q '"hostname":"changed"' "$2/../$last/config.json" 2>/dev/null; then
  davit --root "$2" delete --force "$last"
  davit --root "$2" create --bundle "$2/../$last" "$last"
fi`,
      caught: ['create-freezes-config'],
    },
    'run-by-create': {
      does: 'runs the program at once',
      script: `
if [ "$verb" = create ] && grep -q 'touch /ran; sleep 100' "$bundle/config.json" 2>/dev/null; then
  davit "$@" && davit --root "$2" start "$last"
  exit
fi`,
      caught: ['create-does-not-run'],
    },
    'output-lost': { does: 'runs something else', sed: 's/echo hello >/echo hell >/', caught: ['start-runs-program'] },
    'created-not-killed': {
      does: 'starts what is created before it kills',
      script: `
if [ "$verb" = kill ] && davit --root "$2" state "$4" 2>/dev/null | grep -q '"status": *"created"'; then
  davit --root "$2" start "$4"
  sleep 0.2
  davit --root "$2" kill "$4" KILL 2>/dev/null
  exit 0
fi`,
      caught: ['kill-created'],
    },
    'process-made-up': {
      does: 'has a process where there is none',
      sed: '/"process":/!s/^\\{/&"process":{"cwd":"\\/","args":["\\/bin\\/true"]},/',
      caught: ['start-needs-process'],
    },
    'cgroup-left': {
      does: 'leaves a cgroup when it deletes',
      script: `
if [ "$verb" = delete ] && [ $# = 4 ] && grep -q '"sleep 100"' "$2/../$last/config.json" 2>/dev/null; then
  davit "$@" || exit
  for place in /sys/fs/cgroup/pids /sys/fs/cgroup; do [ -d "$place" ] && mkdir "$place/$last" 2>/dev/null && break; done
  exit 0
fi`,
      caught: ['delete-removes'],
    },
    'sibling-deleted': {
      does: 'deletes the cgroups beside its own',
      script: `
if [ "$verb" = delete ]; then
  davit "$@" || exit
  rmdir /sys/fs/cgroup/*/"$last-parent"/sibling /sys/fs/cgroup/"$last-parent"/sibling 2>/dev/null
  exit 0
fi`,
      caught: ['delete-own-only'],
    },
    // Last of those that look at words of the command line by their number.
    'orphan-left': {
      does: 'makes neither a pid namespace nor a cgroup, so that it misses a process',
      sed: '/sleep 100 & sleep 0.1/s/\\{"type":"pid"\\},//',
      script: `
if [ "$verb" = create ] && grep -q 'sleep 100 & sleep 0.1' "$bundle/config.json" 2>/dev/null; then
  set -- --cgroup-manager disabled "$@"
fi`,
      caught: ['delete-kills-orphans'],
    },
  },
}
