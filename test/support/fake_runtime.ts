/** Runtimes that get one thing wrong: davit behind a shell script that spoils what goes in or comes out. */
import { writeFileSync } from 'node:fs'

export interface Fault {
  /** What the runtime does wrong, in words. */
  readonly does: string
  /** The script: `$verb`, `$bundle` and `$last` of the command line are known, `davit` calls the real one. */
  readonly script: string
  /** Groups of cases that are run. */
  readonly groups: readonly string[]
  /** More of the suite's flags. */
  readonly flags?: readonly string[]
  /** The cases of these groups that must fail; all others must not. */
  readonly caught: readonly string[]
}

const START = `
verb= bundle= last= before=
for word; do
  case $word in create | start | state | kill | delete | exec | update | checkpoint | restore | features | run | list | ps) : "\${verb:=$word}" ;; esac
  [ "$before" = --bundle ] && bundle=$word
  before=$word last=$word
done
davit() { "$real" "$@"; }
`

/** Writes the faulty runtime at `path`. */
export function writeFake(path: string, real: string, script: string): void {
  writeFileSync(path, `#!/bin/sh\nreal='${real}'\n${START}${script}\nexec "$real" "$@"\n`, { mode: 0o755 })
}

/** create reads a configuration that sed(1) has changed; the file itself stays as it was. */
export const spoil = (sed: string) => `
if [ "$verb" = create ] && [ -f "$bundle/config.json" ]; then
  cp "$bundle/config.json" "$bundle/kept.json"
  sed -i -E '${sed}' "$bundle/config.json"
  davit "$@"
  code=$?
  mv "$bundle/kept.json" "$bundle/config.json"
  exit $code
fi`

export const print = (verb: string, sed: string) => `
if [ "$verb" = ${verb} ]; then
  out=$(davit "$@") || exit
  printf '%s\\n' "$out" | sed -E '${sed}'
  exit
fi`

export const succeed = (verb: string) => `
if [ "$verb" = ${verb} ]; then
  davit "$@" 2>/dev/null
  exit 0
fi`
