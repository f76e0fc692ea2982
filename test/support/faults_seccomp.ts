/** What faulty runtimes do to seccomp filters and their agents, and the cases that are to catch them. */
import { type Fault, spoil } from './fake_runtime.ts'

const named = (names: string) => names.split(' ').map((name) => `seccomp-${name}`)
const OPERATORS = 'op-ne op-lt op-le op-eq op-ge op-gt op-masked-eq args-all'
const FLAGS = 'flag-log flag-spec-allow flag-tsync'
const NONSENSE = 'op-unknown index-high flag-unknown arch-unknown'
const groups = ['seccomp']

export const FAULTS_SECCOMP: Readonly<Record<string, Fault>> = {
  'operators-equal': {
    does: 'compares arguments of system calls for equality only',
    script: spoil('s/SCMP_CMP_[A-Z_]+/SCMP_CMP_EQ/g'),
    groups,
    caught: named('op-ne op-lt op-le op-ge op-gt op-masked-eq args-all op-unknown'),
  },
  'nobody-killed': {
    does: 'lets through what is to end a process',
    script: spoil('s/SCMP_ACT_(KILL|TRAP)[A-Z_]*/SCMP_ACT_ALLOW/g'),
    groups,
    caught: named('action-kill action-kill-thread action-kill-process action-trap'),
  },
  'metadata-lost': {
    does: 'sends no metadata to the agent',
    script: spoil('s/"listenerMetadata":"[^"]*",?//'),
    groups,
    caught: ['seccomp-notify-state'],
  },
  'filter-flags-refused': {
    does: 'refuses flags of filters',
    script: 'if [ "$verb" = create ] && grep -q SECCOMP_FILTER_FLAG "$bundle/config.json" 2>/dev/null; then exit 1; fi',
    groups,
    caught: named(FLAGS),
  },
  'no-filter': {
    does: 'loads no filter',
    script: spoil('s/"seccomp":/"ignored":/'),
    groups,
    caught: [
      ...named('action-allow action-errno action-kill action-kill-thread action-kill-process action-trap action-trace'),
      ...named(`action-log default-action default-no-errno errno-no-errno names-unknown children ${OPERATORS}`),
      ...named(`${FLAGS} ${NONSENSE} notify-state notify-nobody notify-each notify-metadata-none`),
    ],
  },
  'arguments-ignored': {
    does: 'takes an entry for every call of its names, whatever the arguments',
    script: spoil('s/,"args":\\[[^]]*\\]//g'),
    groups,
    caught: named(`action-allow op-unknown index-high ${OPERATORS}`),
  },
  'errno-lost': {
    does: 'forgets the error that is asked for',
    script: spoil('s/"errnoRet":[0-9]+,?//g; s/,\\}/}/g'),
    groups,
    caught: named(`action-allow errno-no-errno names-unknown ${FLAGS} ${OPERATORS}`),
  },
  'errno-made-up': {
    does: 'has an error of its own where none is asked for',
    script: spoil('s/"action":"SCMP_ACT_ERRNO"\\}/"action":"SCMP_ACT_ERRNO","errnoRet":99}/'),
    groups,
    caught: named('action-errno'),
  },
  'default-errno-lost': {
    does: 'forgets the error of the default action',
    script: spoil('s/"defaultErrnoRet":[0-9]+,?//; s/,\\}/}/'),
    groups,
    caught: named('default-action default-no-errno'),
  },
  'tracers-not-missed': {
    does: 'refuses what is to be traced with EPERM',
    script: spoil('s/SCMP_ACT_TRACE/SCMP_ACT_ERRNO/'),
    groups,
    caught: named('action-trace'),
  },
  'log-refuses': {
    does: 'refuses what is to be logged',
    script: spoil('s/SCMP_ACT_LOG/SCMP_ACT_ERRNO/'),
    groups,
    caught: named('action-log'),
  },
  'new-calls-refused': {
    does: 'refuses system calls that it does not know',
    script: 'if [ "$verb" = create ] && grep -q no_such_system_call "$bundle/config.json" 2>/dev/null; then exit 1; fi',
    groups,
    caught: named('names-unknown'),
  },
  'nonsense-passed-over': {
    does: 'passes over flags, architectures and arguments that there are not',
    script: spoil('s/"[A-Z_]*_NOSUCH"//; s/\\{"index":6,[^}]*\\}//'),
    groups,
    caught: named('index-high flag-unknown arch-unknown'),
  },
  'agent-not-missed': {
    does: 'starts programs whose agent is not there',
    script: spoil('s/"listenerPath":"\\/no[^"]*","listenerMetadata":"[^"]*",(.*)SCMP_ACT_NOTIFY/\\1SCMP_ACT_ALLOW/'),
    groups,
    caught: named('notify-nobody'),
  },
  'pid-of-exec-wrong': {
    does: 'says that what exec has started is process 1',
    script: 'if [ "$verb" = exec ] && [ "$5" = --pid-file ]; then davit "$@" || exit; printf 1 >"$6"; exit 0; fi',
    groups,
    caught: named('notify-each'),
  },
  'metadata-made-up': {
    does: 'sends metadata that nobody asked for',
    script: spoil('s/("listenerPath":"[^"]*"),"syscalls"/\\1,"listenerMetadata":"made up","syscalls"/'),
    groups,
    caught: named('notify-metadata-none'),
  },
}
