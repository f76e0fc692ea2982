/** Filters and their agents: what does not touch each other; the rest is in faults_seccomp.ts. */
import { type Faulty, named } from './faulty.ts'

export const SECCOMP: Faulty = {
  groups: ['seccomp'],
  faults: {
    'nobody-killed': {
      does: 'lets through what is to end a process',
      sed: 's/SCMP_ACT_(KILL|TRAP)[A-Z_]*/SCMP_ACT_ALLOW/g',
      caught: named('seccomp-', 'action-kill action-kill-thread action-kill-process action-trap'),
    },
    // Before what takes its metadata away.
    'agent-not-missed': {
      does: 'starts programs whose agent is not there',
      sed: 's/"listenerPath":"\\/no[^"]*","listenerMetadata":"[^"]*",(.*)SCMP_ACT_NOTIFY/\\1SCMP_ACT_ALLOW/',
      caught: named('seccomp-', 'notify-nobody'),
    },
    'metadata-lost': {
      does: 'sends no metadata to the agent',
      sed: 's/"listenerMetadata":"[^"]*",?//',
      caught: ['seccomp-notify-state'],
    },
    'filter-flags-refused': {
      does: 'refuses flags of filters',
      script:
        'if [ "$verb" = create ] && grep -qE "FILTER_FLAG_(LOG|SPEC|TSYNC)" "$bundle/config.json" 2>/dev/null; then exit 1; fi',
      caught: named('seccomp-', 'flag-log flag-spec-allow flag-tsync'),
    },
    'errno-made-up': {
      does: 'has an error of its own where none is asked for',
      sed: 's/"action":"SCMP_ACT_ERRNO"\\}/"action":"SCMP_ACT_ERRNO","errnoRet":99}/',
      caught: named('seccomp-', 'action-errno'),
    },
    'default-errno-lost': {
      does: 'forgets the error of the default action',
      sed: 's/"defaultErrnoRet":[0-9]+,?//; s/,\\}/}/',
      caught: named('seccomp-', 'default-action default-no-errno'),
    },
    'tracers-not-missed': {
      does: 'refuses what is to be traced with EPERM',
      sed: 's/SCMP_ACT_TRACE/SCMP_ACT_ERRNO/',
      caught: named('seccomp-', 'action-trace'),
    },
    'log-refuses': {
      does: 'refuses what is to be logged',
      sed: 's/SCMP_ACT_LOG/SCMP_ACT_ERRNO/',
      caught: named('seccomp-', 'action-log'),
    },
    'new-calls-refused': {
      does: 'refuses system calls that it does not know',
      script:
        'if [ "$verb" = create ] && grep -q no_such_system_call "$bundle/config.json" 2>/dev/null; then exit 1; fi',
      caught: named('seccomp-', 'names-unknown'),
    },
    'nonsense-passed-over': {
      does: 'passes over flags, architectures and arguments that there are not',
      sed: 's/"[A-Z_]*_NOSUCH"//; s/\\{"index":6,[^}]*\\}//',
      caught: named('seccomp-', 'index-high flag-unknown arch-unknown'),
    },
    'pid-of-exec-wrong': {
      does: 'says that what exec has started is process 1',
      script: 'if [ "$verb" = exec ] && [ "$5" = --pid-file ]; then davit "$@" || exit; printf 1 >"$6"; exit 0; fi',
      caught: named('seccomp-', 'notify-each'),
    },
    'metadata-made-up': {
      does: 'sends metadata that nobody asked for',
      sed: 's/("listenerPath":"[^"]*"),"syscalls"/\\1,"listenerMetadata":"made up","syscalls"/',
      caught: named('seccomp-', 'notify-metadata-none'),
    },
  },
}
