/**
 * Completion for bash: `source <(davit completion)`. The script asks davit itself, which asks yargs (yargs.ts).
 */

/** The first argument with which the script calls davit; yargs's own name for it. */
export const COMPLETE = '--get-yargs-completions'

/** What davit does not complete (ids, paths) bash does, by file name. */
export const COMPLETION_SCRIPT = `_davit() {
  local IFS=$'\\n'
  COMPREPLY=($(davit ${COMPLETE} "\${COMP_WORDS[@]:0:COMP_CWORD+1}" 2>/dev/null))
}
complete -o default -F _davit davit
`
