/** The operations: bundles, ids, signals, what is left. */
import { print } from '../fake_runtime.ts'
import { type Faulty, forgiven, named } from './faulty.ts'

/** The container has this status. */
const is = (status: string) => `davit --root "$2" state "$last" 2>/dev/null | grep -q '"status": *"${status}"'`

export const LIFECYCLE: Faulty = {
  groups: ['lifecycle'],
  faults: {
    'code-passed-on': {
      does: 'cannot say the state of a container that a signal has ended',
      // Asked once: between two answers it may end.
      script: `
if [ "$verb" = state ] && grep -q SEGV "$2/../$last/config.json" 2>/dev/null; then
  said=$(davit "$@") || exit
  case $said in *'"stopped"'*) exit 1 ;; esac
  printf '%s\\n' "$said"
  exit 0
fi`,
      caught: ['lifecycle-exit-code-irrelevant'],
    },
    'bundle-as-given': {
      does: 'tells the bundle by its last name',
      script: print('state', 's/("bundle": *")[^"]*\\//\\1/'),
      caught: ['bundle-absolute', 'bundle-current-directory'],
    },
    'root-below-bundle': {
      does: 'takes every root from the bundle',
      sed: 's/"root":\\{"path":"\\//"root":{"path":"no\\//',
      caught: ['bundle-root-absolute'],
    },
    'links-refused': {
      does: 'takes no link for a root',
      script: 'if [ "$verb" = create ] && [ -L "$bundle/link" ]; then exit 1; fi',
      caught: ['bundle-root-symlink'],
    },
    'root-made': {
      does: 'makes a root where a file is',
      sed: 's/"path":"file"/"path":"rootfs"/',
      caught: ['bundle-root-file'],
    },
    'config-made-up': {
      does: 'makes up a configuration where there is none',
      script: `
if [ "$verb" = create ] && ! grep -q '^{"' "$bundle/config.json" 2>/dev/null; then
  rm -rf "$bundle/config.json"
  davit spec --bundle "$bundle"
  sed -i 's/"terminal": true/"terminal": false/' "$bundle/config.json"
fi`,
      caught: named('bundle-config-', 'missing empty no-json list null directory'),
    },
    'kill-at-once': {
      does: 'sends KILL where no signal is named',
      script: 'if [ "$verb" = kill ] && [ $# = 4 ]; then set -- "$@" KILL; fi',
      caught: ['kill-default-term'],
    },
    'signals-for-all': {
      does: 'sends signals to all processes',
      script: 'if [ "$verb" = kill ] && [ "$last" = USR1 ]; then davit --root "$2" kill --all "$4" USR1; exit; fi',
      caught: ['kill-first-only'],
    },
    'all-forgotten': {
      does: 'kills a child only, where all are meant',
      script: 'if [ "$verb" = kill ] && [ "$4" = --all ]; then exit 0; fi',
      caught: ['kill-all'],
    },
    'run-before-delete': {
      does: 'runs what was created before it is deleted',
      script: `
if [ "$verb" = delete ] && [ "$4" = --force ] && ${is('created')}; then
  davit --root "$2" start "$last"
  sleep 0.2
fi`,
      caught: ['delete-force-created'],
    },
    'absence-missed': {
      does: 'misses the absent, even by force',
      script: 'if [ "$verb" = delete ] && [ "$4" = --force ] && [ "$5" = conf-unknown ]; then exit 1; fi',
      caught: ['delete-force-unknown'],
    },
    'half-killed': {
      does: 'leaves a process when it deletes by force',
      script: `
if [ "$verb" = delete ] && [ "$4" = --force ] && grep -q 'sleep 300 & sleep 300"' "$2/../$last/config.json" 2>/dev/null; then
  davit --root "$2" kill "$last" STOP
  exit 0
fi`,
      caught: ['delete-force-running'],
    },
    'ids-used-up': {
      does: 'takes an id once only',
      script: `
if [ "$verb" = create ]; then
  [ ! -e "$2/.$last" ] || exit 1
  : >"$2/.$last"
fi`,
      caught: ['lifecycle-twice', 'lifecycle-no-state-left'],
    },
    'others-killed': {
      does: 'kills all containers',
      script: `
if [ "$verb" = kill ] && [ "$last" = KILL ]; then
  for id in $(davit --root "$2" list -q); do davit --root "$2" kill "$id" KILL; done 2>/dev/null
fi`,
      caught: ['lifecycle-two-at-once'],
    },
    'failures-forgiven': {
      does: 'starts and deletes what is not there, and starts what has stopped',
      script: ['start', 'delete'].map((verb) => forgiven(verb, 'does not exist|has stopped')).join('\n'),
      caught: ['lifecycle-delete-twice', 'lifecycle-killed-from-outside'],
    },
    'killed-by-error': {
      does: 'sends KILL where it does not know the signal, and says so',
      script: 'if [ "$verb" = kill ] && [ "$last" = NOSUCH ]; then davit --root "$2" kill "$4" KILL; exit 1; fi',
      caught: ['lifecycle-errors-keep-created'],
    },
    'bundle-written': {
      does: 'writes a log into the bundle',
      script: 'if [ "$verb" = create ] && [ -d "$bundle" ]; then : >"$bundle/log"; fi',
      caught: ['lifecycle-bundle-left-alone'],
    },
    'bundle-missed': {
      does: 'reads the bundle before it kills',
      script: `
if [ "$verb" = kill ]; then
  bundle=$(davit --root "$2" state "$4" 2>/dev/null | sed -n 's/.*"bundle": *"\\([^"]*\\)".*/\\1/p')
  [ -z "$bundle" ] || [ -e "$bundle/config.json" ] || exit 1
fi`,
      caught: ['lifecycle-bundle-gone'],
    },
    'program-made-up': {
      does: 'runs a shell where there is no program',
      sed: 's/"args":\\["\\/nosuch"\\]/"args":["\\/bin\\/true"]/',
      caught: ['lifecycle-exec-failure'],
    },
  },
}
