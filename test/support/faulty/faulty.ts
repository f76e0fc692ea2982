/**
 * Runtimes that get many things wrong at once: each fault spoils something that no other one of its runtime touches, so
 * that every case that fails tells which of them it has caught.
 */
import type { COMPILED } from '../compiled.ts'
import { spoil } from '../fake_runtime.ts'
import type { AnyNeed } from '../requires.ts'

export interface Fault {
  /** What the runtime does wrong, in words. */
  readonly does: string
  /** What sed(1) makes of the configuration that create reads. */
  readonly sed?: string
  /** A script, as in fake_runtime.ts; it may change the words of the command line, or end. */
  readonly script?: string
  /** The cases that must fail for it. */
  readonly caught: readonly string[]
}

export interface Faulty {
  /** Groups of cases that are run. */
  readonly groups: readonly string[]
  /** Only those of them whose id matches. */
  readonly only?: string
  /** What the runtime would do to the host it does to namespaces that the suite gets: flags of unshare(1). */
  readonly apart?: readonly string[]
  /** A script that is run there before. */
  readonly first?: string
  /** What the machine must have. */
  readonly needs?: readonly AnyNeed[]
  /** A program of test/support that its containers are given. */
  readonly program?: (typeof COMPILED)[number]
  readonly faults: Readonly<Record<string, Fault>>
}

export const named = (prefix: string, names: string) => names.split(' ').map((name) => `${prefix}${name}`)

/** The runtime with these faults. */
export function scriptOf(faults: readonly Fault[]): string {
  const seds = faults.flatMap(({ sed }) => (sed === undefined ? [] : [sed]))
  const scripts = faults.flatMap(({ script }) => (script === undefined ? [] : [script]))
  return [...scripts, ...(seds.length > 0 ? [spoil(seds.join('; '))] : [])].join('\n')
}

/**
 * Changes words of a verb, up to the id: `arms` of a case on "WORD BEFORE, WORD", which set `word` or empty it to drop
 * it; `added` is put before the id.
 */
export const reworded = (verb: string, arms: string, added = '') => `
if [ "$verb" = ${verb} ]; then
  past= before=
  for word; do
    shift
    now=$word
    [ "$past" ] || case "$before $word" in ${arms} esac
    [ "$past" ] || case $now in conf-*) past=1; set -- "$@" ${added} ;; esac
    [ -z "$word" ] && [ -n "$now" ] || set -- "$@" "$word"
    before=$now
  done
fi`

/** The same for an option that has a value: both are dropped. */
export const optionLost = (verb: string, option: string) =>
  reworded(verb, `*" ${option}") word= ;; "${option} "*) word= ;;`)

/** Takes failures of a verb for successes where what it says is like this. */
export const forgiven = (verb: string, said: string) => `
if [ "$verb" = ${verb} ]; then
  davit "$@" 2>"$0.said"
  code=$?
  grep -qE '${said}' "$0.said" && exit 0
  cat "$0.said" >&2
  exit $code
fi`

/** Runs a script with the container's pid as $pid before a verb. */
export const withPid = (verb: string, script: string) => `
if [ "$verb" = ${verb} ]; then
  pid=$(davit --root "$2" state "$last" 2>/dev/null | sed -n 's/.*"pid": *\\([0-9]*\\).*/\\1/p')
  ${script}
fi`

const USERS = '[{"containerID":0,"hostID":0,"size":4294967295}]'
/** For sed: makes a user namespace with all of the host's ids. */
export const USERS_ADDED = `s/"namespaces":\\[/"uidMappings":${USERS},"gidMappings":${USERS},&{"type":"user"},/`
