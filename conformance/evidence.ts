/** What a case leaves behind, so that others can judge the verdict: what was done, and what was seen, in order. */

export type Evidence =
  /** A command line of the runtime and how it ended. */
  | {
      readonly kind: 'command'
      readonly args: readonly string[]
      readonly end: string
      readonly ms: number
      readonly stdout: string
      readonly stderr: string
    }
  /** A config.json, when a command was given its bundle and it was new. */
  | { readonly kind: 'config'; readonly text: string }
  /** What a program in the container wrote. */
  | { readonly kind: 'program'; readonly text: string }
  /** What the kernel showed on the host: a file of /proc or a cgroup, a list of mounts or processes. */
  | { readonly kind: 'kernel'; readonly place: string; readonly text: string }
  | { readonly kind: 'note'; readonly text: string }

const LONGEST = 4000

/** Text of somebody else, at a length that one can read. */
export function shorten(text: string): string {
  if (text.length <= LONGEST) return text
  return `${text.slice(0, LONGEST)}\n… ${text.length - LONGEST} characters more`
}

const block = (title: string, text: string) => [title, ...text.trimEnd().split('\n')]

/** One piece of evidence as lines of text. */
export function linesOf(it: Evidence): string[] {
  if (it.kind === 'command') {
    const outputs = [it.stdout, it.stderr].filter(Boolean).flatMap((text) => text.trimEnd().split('\n'))
    return [`$ ${it.args.join(' ')}  # ${it.end}, ${it.ms} ms`, ...outputs]
  }
  if (it.kind === 'config') return block('# config.json:', it.text)
  if (it.kind === 'program') return block('# the program saw:', it.text)
  if (it.kind === 'kernel') return block(`# the kernel shows, ${it.place}:`, it.text)
  return [`# ${it.text}`]
}
