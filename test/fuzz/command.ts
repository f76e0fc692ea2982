/** Command lines, made up from the table of commands: each is understood, or explained in one line. */
import { isDeepStrictEqual } from 'node:util'
import { parseDuration } from '../../src/cli/duration.ts'
import { GLOBALS } from '../../src/cli/globals.ts'
import { jsonLine, plainLine, textLine } from '../../src/cli/log_line.ts'
import type { OptionSpec, OptionTable, VerbSpec } from '../../src/cli/option.ts'
import { parseArgv } from '../../src/cli/parse.ts'
import { parseInteger, parseSize } from '../../src/cli/size.ts'
import { VERBS, type Verbs } from '../../src/cli/table.ts'
import { parseSlowly } from '../../src/cli/yargs.ts'
import { parseSignal } from '../../src/kernel/signals.ts'
import { parsePageServer } from '../../src/plan/criu/flags.ts'
import { mutateText } from './mutate.ts'
import type { Random } from './random.ts'
import { checkError, type Target } from './target.ts'

type Input = readonly string[]

const WORDS = [
  ...[
    '',
    '-',
    '--',
    '---',
    '-1',
    '0',
    '007',
    '1e3',
    '0x10',
    'true',
    'false',
    '=',
    '--=',
    '-=x',
    'a=b',
    'a b',
    'c1',
    'c2',
  ],
  ...[
    '.',
    '..',
    '/',
    '/nowhere',
    './x',
    '__proto__',
    'constructor',
    'toString',
    'help',
    '-h',
    '--help',
    '--version',
    '-v',
  ],
  ...[
    'ü✓🐧',
    '"',
    "'",
    'a,b',
    'a.b',
    'line\nbreak',
    '$0',
    '%s',
    '[]',
    'null',
    '*',
    '(',
    '9',
    'KILL',
    'SIGTERM',
    'RTMIN+3',
  ],
  ...['text', 'json', 'table', '1h30m', '500ms', '64M', '18446744073709551616', '\u2028', '\x1b[31m', 'x'.repeat(2000)],
  ...['1.5G', `${'9'.repeat(400)}.0`, `${'9'.repeat(400)}s`, '10.0.0.1:99', '[::1]:1', '-9223372036854775809'],
]

const verbs: Verbs = VERBS

function flag(table: OptionTable, random: Random): string[] {
  const [name, spec] = random.pick(Object.entries<OptionSpec>(table))
  const written = random.pick([`--${name}`, `--${name}`, `-${name}`, ...(spec.alias ? [`-${spec.alias}`] : [])])
  const value = spec.choices && random.oneIn(2) ? random.pick(spec.choices) : random.pick(WORDS)
  if (random.oneIn(3)) return [`${written}=${value}`]
  const plain = spec.type === 'boolean' || spec.type === 'count'
  return plain !== random.oneIn(5) ? [written] : [written, value]
}

const some = <T>(random: Random, limit: number, make: () => readonly T[]) =>
  Array.from({ length: random.below(limit) }, make).flat()

function make(random: Random, corpus: readonly Input[]): Input {
  const line = corpus.length > 0 && random.oneIn(6) ? [...random.pick(corpus)] : fresh(random)
  if (random.oneIn(3)) {
    const at = random.below(line.length + 1)
    const word = line[at] ?? random.pick(WORDS)
    line.splice(at, random.below(2), random.oneIn(2) ? mutateText(word, random) : random.pick(WORDS))
  }
  return line
}

function fresh(random: Random): string[] {
  const verb = random.oneIn(20) ? random.pick(WORDS) : random.pick(Object.keys(verbs))
  const spec: VerbSpec | undefined = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined
  const options = spec?.options ?? {}
  const own = () =>
    some(random, 4, () => flag(random.oneIn(8) || Object.keys(options).length === 0 ? GLOBALS : options, random))
  const word = () => [random.pick(WORDS)]
  return [...some(random, 3, () => flag(GLOBALS, random)), verb, ...own(), ...some(random, 4, word), ...own()]
}

async function run(argv: Input): Promise<string> {
  for (const word of argv) checkWord(word)
  const fast = parseArgv(argv)
  let slow: Awaited<ReturnType<typeof parseSlowly>>
  try {
    slow = await parseSlowly(argv)
  } catch (error) {
    checkError(error, ['usage'])
    checkLine((error as Error).message)
    if (fast.kind !== 'slow') throw new Error('one parser takes it, the other does not', { cause: error })
    return 'explained'
  }
  if (fast.kind !== 'slow' && !isDeepStrictEqual(slow, fast))
    throw new Error(`two parsers, two readings: ${JSON.stringify([fast, slow])}`)
  return slow.kind
}

const VALUES: readonly ((text: string) => unknown)[] = [
  parseSignal,
  (text) => parseDuration('flag', text),
  (text) => parseSize('--flag', text),
  (text) => parseInteger('--flag', text, true),
  parsePageServer,
]

/** What a word may come to be, as a value. */
function checkWord(word: string): void {
  for (const parse of VALUES) {
    try {
      const value = parse(word)
      if (typeof value === 'number' && !Number.isFinite(value)) throw new Error(`${word} is ${value}`)
    } catch (error) {
      checkError(error, ['usage'])
    }
  }
}

/** One line in every form of the log, whatever is quoted. */
function checkLine(message: string): void {
  const lines = [
    plainLine('error', message),
    textLine('error', message, new Date(0)),
    jsonLine('error', message, new Date(0)),
  ]
  for (const line of lines)
    if (!/^[^\p{Cc}\p{Zl}\p{Zp}]+\n$/u.test(line)) throw new Error(`no line: ${JSON.stringify(line)}`)
}

export const COMMAND_TARGET: Target<Input> = { name: 'command', make, run }
