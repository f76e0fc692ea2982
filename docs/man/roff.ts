/** Text as man(7) macros. In prose `x` is literal (bold) and _x_ a placeholder (italic). */

/** Characters that mean something to roff; a hyphen stays one only with its backslash. */
function escaped(text: string): string {
  return text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll('^', '\\(ha').replaceAll('~', '\\(ti')
}

/** A line must not begin as a request does. */
function safe(line: string): string {
  return /^[.']/.test(line) ? `\\&${line}` : line
}

export const bold = (text: string) => `\\fB${escaped(text)}\\fR`
export const italic = (text: string) => `\\fI${escaped(text)}\\fR`

/** Prose with its marks, on one input line each sentence. */
export function prose(text: string): string {
  const marked = text
    .split(/(`[^`]+`|\b_[A-Za-z]+_\b)/)
    .map((part) => {
      if (part.startsWith('`')) return bold(part.slice(1, -1))
      if (/^_[A-Za-z]+_$/.test(part)) return italic(part.slice(1, -1))
      return escaped(part)
    })
    .join('')
  return marked
    .split(/(?<=[.:;?!]) (?=[A-Z`\\])/)
    .map(safe)
    .join('\n')
}

/** A section; it begins with a paragraph by itself. */
export function section(title: string, ...blocks: readonly string[]): string {
  return `.SH ${title.toUpperCase()}\n${blocks.join('').replace(/^\.PP\n/, '')}`
}
export const paragraph = (text: string) => `.PP\n${prose(text)}\n`
/** A term and what is said of it. */
export const entry = (term: string, text: string) => `.TP\n${term}\n${prose(text)}\n`
/** Lines as they are. */
export const code = (lines: readonly string[]) =>
  `.PP\n.in +4n\n.EX\n${lines.map((line) => safe(escaped(line))).join('\n')}\n.EE\n.in\n`

/** The head of a page; `date` as YYYY-MM-DD. */
export function title(name: string, date: string, version: string): string {
  return `.\\" Made by docs/man/build.ts from the table of commands: do not edit.\n.TH ${name.toUpperCase()} 8 ${date} "davit ${version}" "davit Manual"\n`
}
