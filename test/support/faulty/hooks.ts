/** Hooks: where they run, with what, and what becomes of a container when they fail. */
import { type Faulty, named } from './faulty.ts'

export const HOOKS: Faulty = {
  groups: ['hooks'],
  faults: {
    'failures-forgiven': {
      does: 'goes on when a hook has failed',
      sed: '/"poststop":[^]]*exit 3/!s/exit 3/exit 0/g',
      caught: named(
        'hooks-',
        'startContainer-fails startContainer-error prestart-fails createRuntime-fails createContainer-fails poststart-fails',
      ),
    },
    'poststop-counts': {
      does: 'fails to delete when a poststop hook has failed',
      script: `if [ "$verb" = delete ] && grep -q '"poststop":.*exit 3' "$2/../$last/config.json" 2>/dev/null; then exit 1; fi`,
      caught: ['hooks-poststop-fails'],
    },
    'time-unlimited': {
      does: 'waits for hooks as long as they take',
      sed: 's/sleep 15/sleep 2/; s/"timeout":1/"timeout":30/',
      caught: ['hooks-timeout'],
    },
    'failed-create-silent': {
      does: 'calls no poststop hooks after a create that failed',
      sed: '/touch [^"]*\\/poststop"/s/"poststop":/"ignored":/',
      caught: ['hooks-poststop-after-failure'],
    },
  },
}

/** Where the configuration has this, one kind of hooks is taken for another. */
const kind = (has: string, from: string, to: string) => `/${has}/s/"${from}":/"${to}":/`
const ALL = 'prestart createRuntime poststart poststop createContainer startContainer'

export const HOOKS_DETAIL: Faulty = {
  groups: ['hooks-detail'],
  faults: {
    inside: {
      does: 'runs hooks of the host in the container',
      sed: ['prestart', 'createRuntime', 'poststart', 'poststop']
        .map((name) => kind(`"${name}":.*ns\\/mnt;readlink`, name, 'createContainer'))
        .join('; '),
      caught: named('hooks-', 'prestart-namespace createRuntime-namespace poststart-namespace poststop-namespace'),
    },
    outside: {
      does: 'runs hooks of the container on the host',
      sed: '/\\/own;/{s/"createContainer":/"createRuntime":/; s/"startContainer":/"createRuntime":/}',
      caught: ['hooks-createContainer-namespace', 'hooks-startContainer-namespace'],
    },
    'touch-outside': {
      does: 'looks for startContainer hooks on the host',
      sed: kind('"\\/bin\\/touch"', 'startContainer', 'createRuntime'),
      caught: ['hooks-startContainer-path'],
    },
    'too-early': {
      does: 'calls createRuntime hooks with the pid of the host',
      sed: 's/pid=\\$\\(tr -d/pid=1; x=$(tr -d/',
      caught: ['hooks-createRuntime-after-namespaces'],
    },
    'environment-lost': {
      does: 'gives hooks no environment',
      sed: 's/,"env":\\["A=b=c d"\\]//',
      caught: ALL.split(' ').map((name) => `hooks-${name}-env`),
    },
    'poststop-not-forced': {
      does: 'calls no poststop hooks when it deletes by force',
      sed: '/"poststop":.*cat >[^;]*state"/s/"poststop":/"ignored":/',
      caught: ['hooks-poststop-forced'],
    },
    'empty-lost': {
      does: 'tells hooks no empty annotations',
      sed: 's/,"org.example.empty":""//',
      caught: ['hooks-state-annotations'],
    },
    'unread-missed': {
      does: 'fails when a hook does not read',
      script: `if [ "$verb" = create ] && grep -q org.example.long "$bundle/config.json"; then exit 1; fi`,
      caught: ['hooks-stdin-unread'],
    },
    'goes-on': {
      does: 'goes on when a prestart hook has failed',
      sed: 's/"exit 1"/"exit 0"/',
      caught: ['hooks-stops-at-failure'],
    },
    'signals-forgiven': {
      does: 'takes a hook that a signal has ended for a success',
      sed: 's/"kill -KILL \\$\\$"/"true"/',
      caught: ['hooks-killed'],
    },
    'relative-from-root': {
      does: 'takes relative paths of hooks from /bin',
      sed: 's/"path":"true"/"path":"\\/bin\\/true"/',
      caught: named('hooks-', 'prestart-path-relative createRuntime-path-relative'),
    },
    'path-not-missed': {
      does: 'does without a path of a hook',
      sed: 's/\\{"args":\\["true"\\]\\}//',
      caught: named('hooks-', 'prestart-path-missing createRuntime-path-missing'),
    },
    'program-not-missed': {
      does: 'passes over hooks that are not there',
      sed: 's/\\{"path":"\\/no\\/such\\/program"\\}//',
      caught: named('hooks-', 'prestart-path-no-program createRuntime-path-no-program'),
    },
    'timeouts-passed-over': {
      does: 'passes over timeouts that are none',
      sed: 's/,"timeout":(0|-1)//',
      caught: named(
        'hooks-',
        'prestart-timeout-zero createRuntime-timeout-zero prestart-timeout-negative createRuntime-timeout-negative',
      ),
    },
  },
}
