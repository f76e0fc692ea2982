/** States and lists. */
import { print } from '../fake_runtime.ts'
import { type Faulty, named } from './faulty.ts'

export const STATE: Faulty = {
  groups: ['state'],
  faults: {
    'list-cut': {
      does: 'lists no pids',
      script: print('list', 's/"pid": *[0-9]+/"pid":0/g'),
      caught: ['list-json'],
    },
    'ps-cut': { does: 'lists the first process only', script: print('ps', 's/,[0-9, ]*//'), caught: ['ps-json'] },
    'values-typed': {
      does: 'takes numbers for texts',
      sed: 's/"org.example.a":1/"org.example.a":"1"/',
      caught: ['annotations-no-string'],
    },
    'keys-not-missed': { does: 'takes an empty key', sed: 's/"":"x"/"y":"x"/', caught: ['annotations-no-key'] },
    'none-made-up': {
      does: 'has an annotation where there is none',
      sed: '/"annotations"/!s/^\\{/&"annotations":{"org.example.a":"x"},/',
      caught: ['state-annotations-none'],
    },
    'reserved-lost': {
      does: 'forgets reserved annotations',
      sed: 's/"org.opencontainers.nosuch":/"ignored":/',
      caught: ['state-annotations'],
    },
    'pid-of-another': {
      does: 'tells the pid of a process that is not the container’s, once it has stopped or runs long',
      script: `
if [ "$verb" = state ]; then
  out=$(davit "$@") || exit
  case $out in *'"stopped"'*) out=$(printf '%s' "$out" | sed 's/"pid": *0/"pid": 1/') ;; esac
  ! grep -q 'sleep 4321' "$2/../$last/config.json" || out=$(printf '%s' "$out" | sed -E 's/"pid": *[0-9]+/"pid": 1/')
  printf '%s\\n' "$out"
  exit
fi`,
      caught: ['state-pid-stopped', 'state-pid-is-the-process'],
    },
  },
}

/** What a state says that cannot be spoilt beside the above: it is always there. */
export const STATE_ALWAYS: Faulty = {
  groups: ['state'],
  faults: {
    'of-another': {
      does: 'tells the pid of another process, another version, and something else each time',
      script: print('state', `s/"ociVersion": *"[^"]*"/"ociVersion":"2.0"/; s/"id":/"asked":"'$$'","id":/`),
      caught: named('state-', 'stable version-known schema'),
    },
  },
}
