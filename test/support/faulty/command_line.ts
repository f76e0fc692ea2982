/** What engines match on, terminals, descriptors, features. */
import { print } from '../fake_runtime.ts'
import { type Faulty, reworded, withPid } from './faulty.ts'

export const COMMAND_LINE: Faulty = {
  groups: ['command-line'],
  faults: {
    'log-untyped': {
      does: 'writes a log of another format than asked for',
      script: 'case " $* " in *" --log-format json start "*) davit --root "$2" --log "$4" start "$last"; exit ;; esac',
      caught: ['log-json'],
    },
    'log-lost': {
      does: 'writes no log without a format',
      script:
        'if [ "$verb" = start ] && [ "$3" = --log ] && [ "$5" = start ]; then davit --root "$2" start "$last"; exit; fi',
      caught: ['log-text'],
    },
    'words-of-its-own': {
      does: 'has words of its own for the absence of a container, and for one that does not run',
      script: `
case $verb in state | delete | kill)
  davit "$@" 2>"$0.said"
  code=$?
  sed 's/does not exist/is nowhere/; s/not running/asleep/' "$0.said" >&2
  exit $code ;;
esac`,
      caught: ['words-not-exist', 'words-kill-stopped'],
    },
    'version-short': {
      does: 'does not say which specification',
      script: 'if [ "$CONFORMANCE_NONE$3" = --version ]; then davit --version | head -1; exit; fi',
      caught: ['words-version'],
    },
    'run-pid-line': {
      does: 'ends the pid file of run with a newline',
      script: `
case " $* " in *" run --detach "*)
  davit "$@" || exit
  for word; do case $word in */pid) echo >>"$word" ;; esac; done
  exit 0 ;;
esac`,
      caught: ['pid-file-exec-run'],
    },
    'run-code-lost': {
      does: 'ends run with 0',
      script: 'case " $* " in *" run --bundle "*) davit "$@"; exit 0 ;; esac',
      caught: ['run-exit-code'],
    },
    'fifo-open': {
      does: 'lets everybody use a fifo',
      sed: 's/"fileMode":384/"fileMode":438/',
      caught: ['device-fifo'],
    },
    'devices-below-dev': {
      does: 'makes devices in /dev only',
      sed: 's/"path":"\\/a\\/b\\/null"/"path":"\\/dev\\/b\\/null"/',
      caught: ['device-outside-dev'],
    },
    'type-not-missed': {
      does: 'does without a type of a device',
      sed: 's/\\{"path":"\\/dev\\/x","major":1,"minor":3\\}//',
      caught: ['device-type-missing'],
    },
    'path-not-missed': {
      does: 'does without a path of a device',
      sed: 's/\\{"type":"c","major":1,"minor":3\\}//',
      caught: ['device-path-missing'],
    },
    'errno-lost': {
      does: 'has an errno of its own',
      sed: 's/"errnoRet":95/"errnoRet":1/',
      caught: ['seccomp-default-errno'],
    },
    'kill-softened': {
      does: 'refuses the call where it is to end the process',
      sed: 's/SCMP_ACT_KILL_PROCESS/SCMP_ACT_ERRNO/',
      caught: ['seccomp-kill'],
    },
    'upper-only': {
      does: 'makes the upper mount read-only',
      sed: 's/"rbind","rro"/"rbind","ro"/',
      caught: ['mount-rro-submounts'],
    },
  },
}

export const TERMINAL: Faulty = {
  groups: ['terminal'],
  faults: {
    'size-lost': { does: 'has a size of its own', sed: 's/"height":33/"height":34/', caught: ['terminal-size'] },
    'socket-not-missed': {
      does: 'does without a socket',
      script: `
case " $* " in *" --console-socket "*) ;; *)
  [ "$verb" = create ] && sed -i 's/"terminal":true/"terminal":false/' "$bundle/config.json" ;;
esac`,
      caught: ['terminal-without-socket'],
    },
    'input-lost': {
      does: 'loses what is typed',
      sed: 's/read line; echo/read line; line=; echo/',
      caught: ['terminal-socket'],
    },
    'console-lost': {
      does: 'makes no /dev/console',
      script: withPid('start', '[ -z "$pid" ] || nsenter -t "$pid" -m /bin/busybox umount /dev/console 2>/dev/null'),
      caught: ['terminal-streams'],
    },
    'terminal-of-exec-lost': {
      does: 'gives exec a terminal that is none of its own',
      script: `
case $last in "busybox tty;"*)
  for word; do shift; [ "$word" = "$last" ] && word="busybox tty </proc/version; echo end; sleep 5"; set -- "$@" "$word"; done ;;
esac`,
      caught: ['terminal-exec'],
    },
  },
}

export const PRESERVE: Faulty = {
  groups: ['preserve-fds'],
  faults: {
    'own-handed-on': {
      does: 'hands on a descriptor of its own where the caller has none',
      script: `case " $* " in *" --preserve-fds 20 "*) exec 3</proc/version ;; esac${reworded('create', '"--preserve-fds 20") word=1 ;;')}`,
      caught: ['create-preserve-fds-missing'],
    },
  },
}

export const FEATURES: Faulty = {
  groups: ['features'],
  faults: {
    'hooks-listed-in-vain': {
      does: 'lists a kind of hooks that it does not call',
      sed: 's/"poststart":\\[\\{"path":"\\/bin\\/sh","args":\\["sh","-c","cat >\\/dev\\/null; echo ran/"ignored":[{"path":"\\/bin\\/sh","args":["sh","-c","echo/',
      caught: ['features-hooks'],
    },
    'annotations-typed': {
      does: 'lists annotations that are no texts',
      script: print('features', 's/("io.github.davit.version": *)"[^"]*"/\\11/'),
      caught: ['features-annotations'],
    },
  },
}
