/** exec: each of its flags, and what it takes from the container. */
import { type Faulty, forgiven, named, optionLost, reworded } from './faulty.ts'

/** Puts a flag before the id where none of its name, and no --process, is given. */
const unless = (flag: string, words: string) =>
  `case " $* " in *" ${flag} "* | *" --process "*) ;; *) ${reworded('exec', '', words)} ;; esac`

/** Changes the process of --process. */
const processFile = (sed: string) => `
if [ "$verb" = exec ]; then
  for word; do case $word in */process.json) sed -i '${sed}' "$word" ;; esac; done
fi`

export const EXEC: Faulty = {
  groups: ['exec'],
  faults: {
    // First: what comes later changes the words.
    'path-unread': {
      does: 'looks for programs in / only, once it runs',
      script: `
if [ "$verb" = exec ] && [ "$last" = pwd ] && [ $# = 5 ] && davit --root "$2" state "$4" | grep -q '"running"'; then exit 1; fi`,
      caught: ['exec-path'],
    },
    'env-lost': { does: 'forgets --env', script: optionLost('exec', '--env'), caught: ['exec-env'] },
    'cwd-lost': {
      does: 'starts in / whatever --cwd says',
      script: reworded('exec', '"--cwd /tmp") word=/ ;;'),
      caught: ['exec-cwd'],
    },
    'cwd-not-inherited': {
      does: 'starts in / without --cwd',
      script: unless('--cwd', '--cwd /'),
      caught: ['exec-cwd-inherited'],
    },
    'user-lost': {
      does: 'takes the group of the user',
      script: reworded('exec', '"--user "*) word=${word%:*} ;;'),
      caught: ['exec-user'],
    },
    'user-not-inherited': {
      does: 'is root without --user',
      script: unless('--user', '--user 0:0'),
      caught: ['exec-user-inherited'],
    },
    'env-not-inherited': {
      does: 'forgets a variable of process',
      script: unless('--env', '--env A='),
      caught: ['exec-env-inherited'],
    },
    'groups-lost': {
      does: 'forgets --additional-gids',
      script: optionLost('exec', '--additional-gids'),
      caught: ['exec-additional-gids'],
    },
    'privileges-gained': {
      does: 'forgets --no-new-privs',
      script: reworded('exec', '*" --no-new-privs") word= ;;'),
      caught: ['exec-no-new-privs'],
    },
    'capability-lost': {
      does: 'forgets --cap',
      script: reworded('exec', '"--cap CAP_NET_RAW") word=CAP_KILL ;;'),
      caught: ['exec-cap'],
    },
    'capability-refused': {
      does: 'refuses a capability that it does not know',
      script: 'case " $* " in *" CAP_NOSUCH "*) exit 1 ;; esac',
      caught: ['exec-cap-unknown'],
    },
    'descriptors-leaked': {
      does: 'hands on one descriptor more',
      script: reworded('exec', '"--preserve-fds 2") word=3 ;;'),
      caught: ['exec-preserve-fds'],
    },
    'user-of-file-lost': {
      does: 'takes the user of a process file for root',
      script: processFile('s/"uid":3,/"uid":0,/'),
      caught: ['exec-process-file'],
    },
    'umask-of-file-lost': {
      does: 'takes no umask from a process file',
      script: processFile('s/,"umask":15//'),
      caught: ['exec-process-umask'],
    },
    'flags-anywhere': {
      does: 'takes flags of the program for its own',
      script: `
if [ "$verb" = exec ]; then
  for word; do shift; [ "$word" = --help ] || set -- "$@" "$word"; done
fi`,
      caught: ['exec-dashes'],
    },
    'started-by-exec': {
      does: 'starts a created container',
      script: `
if [ "$verb" = exec ] && [ "$last" = pwd ]; then
  for word; do case $word in conf-*) davit --root "$2" start "$word" 2>/dev/null; break ;; esac; done
fi`,
      caught: ['exec-created'],
    },
    'pid-of-another': {
      does: 'writes the pid of another process',
      script: `
if [ "$verb" = exec ] && [ "$4" = --detach ]; then
  davit "$@" || exit
  for word; do case $word in */exec-pid) printf 1 >"$word" ;; esac; done
  exit 0
fi`,
      caught: ['exec-detach'],
    },
    'stdin-lost': {
      does: 'gives no input to the process',
      script: 'if [ "$verb" = exec ] && [ "$last" = /bin/cat ]; then exec </proc/version; fi',
      caught: ['exec-stdin'],
    },
    'writes-elsewhere': {
      does: 'runs in a root of its own',
      script: 'case $last in *"echo wrote"*) exit 0 ;; esac',
      caught: ['exec-writes'],
    },
    'codes-cut': {
      does: 'ends with 1 after a signal',
      script: `
case $last in "exit "* | "kill "*)
  davit "$@"
  code=$?
  [ "$code" -lt 129 ] || [ "$code" = 255 ] || code=1
  exit $code ;;
esac`,
      caught: ['exec-exit-code'],
    },
    'failures-forgiven': {
      does: 'takes its own failures for successes',
      script: forgiven('exec', '^davit: '),
      caught: named(
        'exec-',
        'unknown-program not-executable unknown-cwd no-program unknown-container process-missing process-no-json stopped',
      ),
    },
  },
}

/** exec as nsenter(1) would do it: some of the namespaces, and nothing else of the container. */
export const EXEC_NAKED: Faulty = {
  groups: ['exec'],
  faults: {
    naked: {
      does: 'enters some namespaces and nothing else',
      script: `
if [ "$verb" = exec ]; then
  case $4 in conf-*)
    pid=$(davit --root "$2" state "$4" 2>/dev/null | sed -n 's/.*"pid": *\\([0-9]*\\).*/\\1/p')
    status=$(davit --root "$2" state "$4" 2>/dev/null | sed -n 's/.*"status": *"\\([a-z]*\\)".*/\\1/p')
    if [ "\${pid:-0}" -gt 0 ] && [ "$status" = running ]; then
      shift 4
      [ $# -gt 0 ] || exit 1
      case $last in *"stat -c %i /") exec nsenter -t "$pid" -p -- "$@" ;; esac
      exec nsenter -t "$pid" -m -p -w -- "$@"
    fi ;;
  esac
fi`,
      caught: named(
        'exec-',
        'namespaces cgroup root env-inherited env-not-host user-inherited rlimits oom-score seccomp exit-code',
      ),
    },
  },
}
