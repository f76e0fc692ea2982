/** What images, callers and input may do to a runtime that is careless: what needs no build of davit without a guard. */
import { syscallNumber } from '../../../src/kernel/syscalls.ts'
import { repositoryPath } from '../place.ts'
import { type Fault, type Faulty, named } from './faulty.ts'

/** Before create, where the configuration has this. */
const before = (has: string, script: string) => `
if [ "$verb" = create ] && grep -q '${has}' "$bundle/config.json" 2>/dev/null; then
  ${script}
fi`

const ARCH = process.arch === 'arm64' ? 'arm64' : 'x64'
/** Calls of caller.c. The set of signals is what is at its own beginning: SIGTERM's bit and others are in an ELF header. */
const BLOCK = `${syscallNumber('rt_sigprocmask', ARCH)},0,0x400000,0,8`
const WAIT = `${syscallNumber('ppoll', ARCH)},0,0,0,0,8`

const INPUT: Readonly<Record<string, Fault>> = {
  'strings-cut': {
    does: 'cuts strings that are too long for it',
    sed: [
      's/"LONG=e+"/"LONG=e"/',
      's/"\\/c{99}c*"/"\\/"/',
      's/"h{99}h*"/"h"/',
      's/"\\/d{99}d*"/"\\/mnt"/',
      's/p{99}p*"/p"/',
    ].join('; '),
    caught: named('security-long-', 'strings cwd hostname destination cgroups-path'),
  },
  'strings-end': {
    does: 'takes a byte 0 for the end of a string',
    sed: 's/\\\\u0000[^"]*//g',
    caught: ['security-null-bytes'],
  },
  'lists-cut': {
    does: 'forgets the end of a long list',
    sed: 's/,"V9999=x".*"V19999=x"//',
    caught: ['security-json-large'],
  },
  'nesting-unlimited': {
    does: 'dies of a document that is deep',
    script: before('\\[\\[\\[\\[', 'echo "RangeError: Maximum call stack size exceeded" >&2; exit 1'),
    caught: ['security-json-deep'],
  },
  'end-not-missed': {
    does: 'takes an object for whole that is not',
    sed: 's/("org.example.conformance":"[^"]*"\\})$/\\1}/',
    caught: ['security-json-unfinished'],
  },
  'garbage-passed-over': {
    does: 'reads one value and no further',
    sed: 's/ garbage$//',
    caught: ['security-json-garbage-after'],
  },
  'quotes-any': {
    does: 'takes any quotes',
    sed: "/^\\{'\"'\"'/y/'\"'\"'/\"/",
    caught: ['security-json-single-quotes'],
  },
  'numbers-rounded': {
    does: 'makes an id of any number',
    sed: 's/"uid":1(e400|\\.5)/"uid":1/',
    caught: named('security-json-number-', 'huge fraction'),
  },
  'types-any': {
    does: 'takes an object for a list',
    sed: 's/"mounts":\\{"a":(\\[.*\\])\\},"linux"/"mounts":\\1,"linux"/',
    caught: ['security-json-wrong-type'],
  },
  'config-made-up': {
    does: 'has a configuration of its own where it cannot read one',
    script: `
if [ "$verb" = create ] && [ "$(head -c 1 "$bundle/config.json" | od -An -tx1)" = " 01" ]; then
  rm "$bundle/config.json"
  davit spec --bundle "$bundle"
  sed -i 's/"terminal": true/"terminal": false/' "$bundle/config.json"
fi`,
    caught: ['security-json-bytes'],
  },
}

const CALLER: Readonly<Record<string, Fault>> = {
  'environment-handed-on': {
    does: 'hands on the environment of its caller',
    script: `[ -z "$CONFORMANCE_SECRET" ] || ${before('busybox env >', `sed -i "s/\\"env\\":\\\\[/&\\"CONFORMANCE_SECRET=$CONFORMANCE_SECRET\\",/" "$bundle/config.json"`).trim()}`,
    caught: ['security-environment'],
  },
  'signals-blocked': {
    does: 'starts programs with signals blocked: what is sleep here blocks some before it waits',
    script: `
if [ "$verb" = create ] && grep -q '"exec sleep 100"' "$bundle/config.json" 2>/dev/null; then
  rm "$bundle/rootfs/bin/sleep"
  cp '${repositoryPath('build/test/caller')}' "$bundle/rootfs/bin/sleep"
  sed -i 's|"args":[[][^]]*|"args":["/bin/sleep","${BLOCK}","${WAIT}"|' "$bundle/config.json"
fi`,
    caught: ['security-signals'],
  },
  'code-loaded': {
    does: 'is run by an interpreter that loads code of the current directory',
    script: `if [ -e .env ]; then (set -a; . ./.env; '${process.execPath}' -e 0); fi`,
    caught: ['security-hostile-directory'],
  },
  'descriptors-handed-on': {
    does: 'hands on what its caller has open',
    script: `if [ "$verb" = create ] && [ -e /proc/self/fd/9 ]; then set -- "$1" "$2" create --preserve-fds 7 "$4" "$5" "$6"; fi`,
    caught: ['security-fds-create', 'security-fds-of-init'],
  },
  'descriptors-of-exec-handed-on': {
    does: 'hands on what the caller of exec has open',
    script: `if [ "$verb" = exec ] && [ -e /proc/self/fd/9 ] && [ "$5" = /bin/sh ]; then root=$2; shift 3; set -- --root "$root" exec --preserve-fds 7 "$@"; fi`,
    caught: ['security-fds-exec'],
  },
  'template-wide': {
    does: 'has inheritable capabilities in its template',
    script: `
case " $* " in *" spec "*)
  davit "$@" || exit
  sed -i 's/"effective": \\[/"inheritable": ["CAP_KILL"], &/' config.json
  exit 0 ;;
esac`,
    caught: ['security-capabilities-spec'],
  },
  'anybody-root': {
    does: 'takes every user for root',
    script: `
if [ "$verb" = exec ]; then
  for word; do
    shift
    case $word in --user=*) word=--user=0:0 ;; esac
    set -- "$@" "$word"
  done
fi`,
    caught: named('security-user-', '1 1_58 1_582 _582 01 _451 4294967296 4294967297 1x _321 _431 0x1 1_460 1e0'),
  },
}

const IMAGE: Readonly<Record<string, Fault>> = {
  'etc-written': {
    does: 'writes a file into /etc of the image before it enters it',
    script: before('"args"', '[ ! -L "$bundle/rootfs/etc" ] || echo "127.0.0.1 localhost" >"$bundle/rootfs/etc/hosts"'),
    caught: ['security-etc-link'],
  },
  'terminal-by-name': {
    does: 'makes the file of a terminal by its name',
    script: before('"terminal":true', '[ ! -L "$bundle/rootfs/dev/pts" ] || : >"$bundle/rootfs/dev/pts/0"'),
    caught: ['security-dev-pts-link'],
  },
  'cgroups-by-name': {
    does: 'makes the cgroup that a path names, wherever that leads',
    script: before(
      '"cgroupsPath":"[^"]*\\.\\.',
      `place=/sys/fs/cgroup/pids
  [ -d "$place" ] || place=/sys/fs/cgroup
  mkdir "$place/$(sed -n 's/.*"cgroupsPath":"\\([^"]*\\)".*/\\1/p' "$bundle/config.json")" 2>/dev/null`,
    ),
    caught: ['security-cgroup-climbs'],
  },
  'executable-changed': {
    does: 'is a program that containers can write to',
    script: `case " $* " in *" /proc/1/exe true "*) echo "# changed" >>"$0" ;; esac`,
    caught: ['security-executable-entrypoint'],
  },
  'ids-cleaned': {
    does: 'makes an id of what is none',
    script: `
case $last in *[!a-zA-Z0-9_.+-]* | '')
  case $verb in create | delete)
    for word; do
      shift
      [ "$word" = "$last" ] && word=conf-cleaned
      set -- "$@" "$word"
    done ;;
  esac ;;
esac`,
    caught: ['security-id-odd'],
  },
}

/** Races, and what is long, are for the weakened builds. */
export const SECURITY: Faulty = {
  groups: ['security'],
  program: 'caller',
  only: '^security-(?!mount-race|exec-looked|cwd-fd)',
  faults: { ...INPUT, ...CALLER, ...IMAGE },
}
