/**
 * Completion in shells. The scripts are thin: davit itself is asked at every key press, by the name under which it is
 * being typed, so that a script never knows more or less than the davit it belongs to. The answer, for all of them:
 *
 *     files | directories | none     what to offer beside
 *     word TAB description            a line for each candidate
 */
import type { Completions } from './complete.ts'

/** What `davit __complete -- WORD...` prints. */
export function completionText({ files, candidates }: Completions): string {
  const lines = candidates.map(([word, description]) => `${word}\t${description}`)
  return [files, ...lines, ''].join('\n')
}

/** SAFETY: only what was typed is executed, and nothing of it is evaluated again. */
const BASH = `# bash completion for davit; made by "davit completion bash".
_davit() {
  local -a words=() lines=()
  local word joined='' i
  # readline takes --flag=value apart
  for ((i = 1; i <= COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ $joined ]]; then
      words[-1]+=$word joined=''
    elif [[ $word == = && \${#words[@]} -gt 0 && \${words[-1]} == -* ]]; then
      words[-1]+== joined=1
    else
      words+=("$word")
    fi
  done
  local current=\${words[-1]-} prefix=''
  [[ $current == -*=* ]] && prefix=\${current%%=*}=
  mapfile -t lines < <("$1" __complete -- "\${words[@]}" 2>/dev/null)
  COMPREPLY=()
  case \${lines[0]-} in
    files) compopt -o default; return ;;
    directories) compopt -o dirnames -o filenames; return ;;
  esac
  for word in "\${lines[@]:1}"; do
    word=\${word%%$'\\t'*}
    COMPREPLY+=("\${word#"$prefix"}")
  done
}
complete -F _davit davit
`

const ZSH = `#compdef davit
# zsh completion for davit; made by "davit completion zsh".
_davit() {
  local -a lines candidates
  local line word davit=\${(Q)words[1]}
  lines=("\${(@f)$("$davit" __complete -- "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null)}")
  case $lines[1] in
    files) [[ $PREFIX == -*=* ]] && compset -P '*='; _files; return ;;
    directories) [[ $PREFIX == -*=* ]] && compset -P '*='; _path_files -/; return ;;
  esac
  for line in "\${(@)lines[2,-1]}"; do
    word=\${line%%$'\\t'*}
    candidates+=("\${word//:/\\\\:}:\${line#*$'\\t'}")
  done
  _describe -t davit davit candidates
}
if [[ $funcstack[1] == _davit ]]; then
  _davit "$@"
else
  compdef _davit davit
fi
`

const FISH = `# fish completion for davit; made by "davit completion fish".
function __davit_complete
    set -l words (commandline -opc)
    set -l davit $words[1]
    set -e words[1]
    set -l current (commandline -ct)
    set -l lines ($davit __complete -- $words "$current" 2>/dev/null)
    set -l prefix (string match -r -- '^-[^=]*=' "$current")
    set -l value (string replace -r -- '^-[^=]*=' '' "$current")
    switch "$lines[1]"
        case files
            printf '%s\\n' "$prefix"(__fish_complete_path "$value")
        case directories
            printf '%s\\n' "$prefix"(__fish_complete_directories "$value" '')
        case none
            set -e lines[1]
            printf '%s\\n' $lines
    end
end
complete -c davit -f -a '(__davit_complete)'
`

/** What `davit completion SHELL` prints. */
export const COMPLETION_SCRIPTS = { bash: BASH, zsh: ZSH, fish: FISH } as const
