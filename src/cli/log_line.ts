/**
 * How a log line is written. JSON and text are what logrus prints for runc, so that tools that read runc's log read
 * ours. Pure. A line never holds a raw control character: a container's name or path cannot forge a second line or
 * move the cursor of a terminal.
 */

/** C0 and C1 controls, DEL, and the two separators some readers take for line ends. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g

/** `{"level":"error","msg":"…","time":"2026-11-21T23:00:00Z"}` and a newline; keys sorted, as logrus has them. */
export function jsonLine(level: string, message: string, time: Date): string {
  const json = JSON.stringify({ level, msg: message, time: rfc3339(time) })
  return `${json.replace(CONTROLS, jsonEscape)}\n`
}

/** `time="2026-11-21T23:00:00Z" level=error msg="…"` and a newline. */
export function textLine(level: string, message: string, time: Date): string {
  return `time="${rfc3339(time)}" level=${level} msg=${logfmtValue(message)}\n`
}

/** `davit: message` and a newline, for people (and engines that match words) on stderr. */
export function plainLine(level: string, message: string): string {
  const mark = level === 'error' ? '' : `${level}: `
  return `davit: ${mark}${escapeControls(message)}\n`
}

/** The text with control characters written as Go's %q does: \n, \t, \x1b, \u2028. */
export function escapeControls(text: string): string {
  return text.replace(CONTROLS, goEscape)
}

/** Seconds, UTC. */
function rfc3339(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`
}

/** logrus's TextFormatter: bare if every character is of [A-Za-z0-9-._/@^+], else quoted as Go's %q does. */
function logfmtValue(text: string): string {
  if (/^[A-Za-z0-9\-._/@^+]+$/.test(text)) return text
  return `"${escapeControls(text.replace(/["\\]/g, '\\$&'))}"`
}

function jsonEscape(character: string): string {
  return `\\u${hex(character, 4)}`
}

function goEscape(character: string): string {
  if (character === '\n') return '\\n'
  if (character === '\t') return '\\t'
  if (character === '\r') return '\\r'
  const short = character < '\u0080'
  return short ? `\\x${hex(character, 2)}` : `\\u${hex(character, 4)}`
}

function hex(character: string, digits: number): string {
  return character.charCodeAt(0).toString(16).padStart(digits, '0')
}
