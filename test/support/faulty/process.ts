/** What a process is given: capabilities, limits, users, scheduling. */
import { type Faulty, named } from './faulty.ts'

const LIMITS = 'as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack'

export const PROCESS: Faulty = {
  groups: ['process'],
  faults: {
    'environment-lost': {
      does: 'passes on the first variable only',
      sed: 's/("env":\\["[^"]*")[^]]*/\\1/',
      caught: ['process-env'],
    },
    'directory-lost': {
      does: 'starts every program in /',
      sed: 's/"cwd":"[^"]*"/"cwd":"\\/"/',
      caught: ['process-cwd', 'process-cwd-relative'],
    },
    'limits-lost': {
      does: 'sets no limits',
      sed: 's/"rlimits":\\[[^]]*\\]/"rlimits":[]/',
      caught: ['process-rlimits', 'process-rlimits-twice', 'process-rlimits-unknown'],
    },
    'capabilities-lost': {
      does: 'leaves capabilities as they are',
      sed: 's/"capabilities":/"ignored":/',
      caught: ['process-capabilities', 'process-capabilities-unknown'],
    },
    'gid-lost': { does: 'takes the group of the user', sed: 's/"gid":7/"gid":0/', caught: ['process-user'] },
    'umask-lost': { does: 'sets no umask', sed: 's/"umask":23/"umask":18/', caught: ['process-umask'] },
    'args-made-up': {
      does: 'runs something where there is nothing to run',
      sed: 's/"process":\\{"cwd"/"process":{"args":["\\/bin\\/true"],"cwd"/',
      caught: ['process-args-missing'],
    },
    'privileges-gained': {
      does: 'lets privileges be gained',
      sed: 's/"noNewPrivileges":true/"noNewPrivileges":false/',
      caught: ['process-no-new-privileges'],
    },
    'score-lost': { does: 'sets no OOM score', sed: 's/"oomScoreAdj":/"ignored":/', caught: ['process-oom-score'] },
    'size-refused': {
      does: 'refuses a size of no terminal',
      script: `if [ "$verb" = create ] && grep -q consoleSize "$bundle/config.json"; then exit 1; fi`,
      caught: ['process-console-size-ignored'],
    },
    'io-lost': { does: 'sets no I/O priority', sed: 's/"ioPriority":/"ignored":/', caught: ['process-io-priority'] },
    'policy-lost': {
      does: 'sets the nice value only',
      sed: 's/"SCHED_BATCH"/"SCHED_OTHER"/',
      caught: ['process-scheduler'],
    },
  },
}

export const PROCESS_DETAIL: Faulty = {
  groups: ['process-detail'],
  faults: {
    'bounding-wide': {
      does: 'bounds capabilities less than it is told to',
      sed: 's/"bounding":\\[[^]]*\\]/"bounding":["CAP_CHOWN","CAP_KILL","CAP_NET_RAW"]/',
      caught: named('capabilities-', 'bounding effective inheritable permitted ambient none'),
    },
    'ambient-lost': {
      does: 'has no ambient capabilities',
      sed: 's/"ambient":\\["CAP_KILL"\\]/"ambient":[]/',
      caught: ['capabilities-user'],
    },
    'limits-flat': {
      does: 'takes the soft limit for the hard one',
      sed: 's/"soft":([0-9]+),"hard":[0-9]+/"soft":\\1,"hard":\\1/',
      caught: [...named('rlimit-', LIMITS), 'rlimit-soft-above-hard'],
    },
    'groups-of-its-own': {
      does: 'adds a group',
      sed: 's/"uid":5,"gid":6/&,"additionalGids":[7]/',
      caught: ['user-groups-none'],
    },
    'ids-cut': { does: 'does not have the highest ids', sed: 's/4294967294/4294967293/g', caught: ['user-high'] },
    'sign-lost': { does: 'takes the sign from ids', sed: 's/"uid":-1/"uid":1/', caught: ['user-negative'] },
    'ids-wrap': { does: 'lets ids wrap around', sed: 's/"uid":4294967296/"uid":0/', caught: ['user-too-high'] },
    'score-of-its-own': {
      does: 'sets an OOM score of its own',
      sed: '/oomScoreAdj/!s/"process":\\{/&"oomScoreAdj":5,/',
      caught: ['process-oom-score-unset'],
    },
    'score-cut': {
      does: 'cuts a score that is too high',
      sed: 's/"oomScoreAdj":1001/"oomScoreAdj":1000/',
      caught: ['process-oom-score-out-of-range'],
    },
    'environment-trimmed': { does: 'trims the environment', sed: 's/"SP= x "/"SP=x"/', caught: ['process-env-odd'] },
    'arguments-trimmed': { does: 'trims arguments', sed: 's/," x "/,"x"/', caught: ['process-args-odd'] },
    'scheduler-lost': {
      does: 'leaves the scheduler alone',
      sed: 's/"scheduler":/"ignored":/',
      caught: named('scheduler-', 'other batch idle fifo rr unknown'),
    },
    'io-lost': {
      does: 'leaves I/O priorities alone',
      sed: 's/"ioPriority":/"ignored":/',
      caught: named('io-priority-', 'rt be idle unknown'),
    },
    'affinity-lost': {
      does: 'leaves CPUs of exec alone',
      sed: 's/"execCPUAffinity":/"ignored":/',
      caught: ['exec-cpu-affinity-final'],
    },
    'memory-policy-lost': {
      does: 'leaves the memory policy alone',
      sed: 's/"memoryPolicy":/"ignored":/',
      caught: [
        ...named('memory-policy-', 'bind interleave preferred local bind-static'),
        ...named('memory-policy-', 'unknown nodes-missing mode-missing'),
      ],
    },
    'personality-lost': {
      does: 'leaves the personality alone',
      sed: 's/"personality":/"ignored":/',
      caught: named('personality-', 'linux32 unknown domain-missing'),
    },
    // After what hides both.
    'personality-made-up': {
      does: 'takes one domain for another',
      sed: 's/"ignored":\\{"domain":"LINUX"\\}/"personality":{"domain":"LINUX32"}/',
      caught: ['personality-linux'],
    },
    'memory-policy-made-up': {
      does: 'takes the default policy for another',
      sed: 's/"ignored":\\{"mode":"MPOL_DEFAULT"\\}/"memoryPolicy":{"mode":"MPOL_INTERLEAVE","nodes":"0"}/',
      caught: ['memory-policy-default'],
    },
    'affinity-of-its-own': {
      does: 'pins what exec starts to a CPU, though nothing asks for it',
      script: `
if [ "$verb" = exec ] && ! grep -q execCPUAffinity "$2/../$4/config.json" 2>/dev/null; then
  case $last in "grep Cpus_allowed_list"*)
    pid=$(davit --root "$2" state "$4" | sed -n 's/.*"pid": *\\([0-9]*\\).*/\\1/p')
    shift 4
    exec taskset -c 0 nsenter -t "$pid" -m -p -- "$@" ;;
  esac
fi`,
      caught: ['exec-cpu-affinity-unset'],
    },
  },
}
