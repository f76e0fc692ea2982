/** What faulty runtimes do to the basic operations, and the cases that are to catch them. */
import { type Fault, print, spoil, succeed } from './fake_runtime.ts'

export const FAULTS: Readonly<Record<string, Fault>> = {
  'poststop-lost': {
    does: 'calls no poststop hooks',
    script: spoil('s/"poststop":/"ignored":/'),
    groups: ['hooks', 'delete'],
    caught: ['hooks-order', 'hooks-state', 'hooks-poststop-after-failure'],
  },
  'poststart-lost': {
    does: 'calls no poststart hooks',
    script: spoil('s/"poststart":/"ignored":/'),
    groups: ['hooks', 'start'],
    caught: ['hooks-state', 'hooks-poststart', 'hooks-poststart-fails'],
  },
  'id-taken-over': {
    does: 'deletes the container whose id is used again',
    script: 'if [ "$verb" = create ]; then davit --root "$2" delete --force "$last" 2>/dev/null; fi',
    groups: ['create', 'delete'],
    caught: ['create-unique-id'],
  },
  'kill-never-fails': {
    does: 'takes every kill for a success',
    script: succeed('kill'),
    groups: ['kill', 'start'],
    caught: ['kill-stopped', 'kill-unknown', 'kill-unknown-signal'],
  },
  'start-never-fails': {
    does: 'takes every start for a success',
    script: succeed('start'),
    groups: ['start', 'kill', 'hooks'],
    caught: [
      // Not start-needs-process: create has refused that before.
      ...['start-running', 'start-stopped', 'start-unknown'],
      // Hooks that start calls, and that fail.
      ...['hooks-poststart-fails', 'hooks-startContainer-error'],
    ],
  },
  'wrong-signal': {
    does: 'sends USR1 for USR2',
    script: 'if [ "$verb" = kill ] && [ "$last" = USR2 ]; then davit --root "$2" kill "$4" USR1; exit; fi',
    groups: ['kill'],
    caught: ['kill-sends-signal'],
  },
  'delete-by-force': {
    does: 'deletes whatever runs',
    script: 'if [ "$verb" = delete ] && [ "$last" != delete ]; then davit --root "$2" delete --force "$last"; exit; fi',
    groups: ['delete', 'kill'],
    caught: ['delete-running', 'delete-unknown'],
  },
  'version-cut': {
    does: 'says a version that is none',
    script: print('state', 's/("ociVersion": *"[0-9]+\\.[0-9]+)\\.[^"]*/\\1/'),
    groups: ['start', 'create', 'hooks'],
    caught: ['state-properties'],
  },
  'annotations-lost': {
    does: 'tells no annotations',
    script: print('state', 's/"annotations"/"ignored"/'),
    groups: ['start', 'create'],
    caught: ['state-properties'],
  },
  'unknown-has-state': {
    does: 'has a state for everybody',
    script: 'if [ "$verb" = state ]; then davit "$@" 2>/dev/null || echo "{}"; exit 0; fi',
    groups: ['start', 'kill'],
    caught: ['state-unknown'],
  },
  'pid-file-line': {
    does: 'ends the pid file with a newline',
    script:
      'if [ "$verb" = create ] && [ "$4" = --bundle ]; then davit "$@" || exit; [ ! -e "$bundle/pid" ] || echo >>"$bundle/pid"; exit 0; fi',
    groups: ['create'],
    caught: ['create-pid-file'],
  },
  'versions-swapped': {
    does: 'knows no version at all, by its numbers',
    script: print('features', 's/("ociVersionMax": *)"[^"]*"/\\1"0.9.0"/'),
    groups: ['features'],
    caught: ['features-versions', 'features-versions-accepted'],
  },
  'names-made-up': {
    does: 'lists what it does not know',
    script: print(
      'features',
      's/"(SCMP_ACT_|CAP_)KILL"/"\\1NONE"/; s/"uts"/"utx"/; s/"hooks"/"hook"/; s/"bind"/"size"/',
    ),
    groups: ['features'],
    caught: [
      ...['features-properties', 'features-mount-data', 'features-namespaces', 'features-capabilities'],
      'features-seccomp',
    ],
  },
  'process-left': {
    does: 'leaves a process of its own for each container',
    script: 'if [ "$verb" = delete ]; then sleep 60 </proc/version >"$0.out" 2>&1 & fi',
    groups: ['load'],
    flags: ['--filter', 'lifecycles', '--lifecycles', '200'],
    caught: ['load-lifecycles'],
  },
  'one-at-a-time': {
    does: 'cannot make two containers at once',
    script:
      'if [ "$verb" = create ]; then mkdir "$0.lock" || exit; davit "$@"; code=$?; rmdir "$0.lock"; exit $code; fi',
    groups: ['load'],
    flags: ['--filter', 'parallel'],
    caught: ['load-parallel'],
  },
}
