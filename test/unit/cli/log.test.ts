import { describe, expect, it } from 'vitest'
import { createLogger, type LogSettings, logSettings, type Sink } from '../../../src/cli/log.ts'
import { openLogSink, stderrSink } from '../../../src/cli/log_file.ts'
import { jsonLine, plainLine, textLine } from '../../../src/cli/log_line.ts'

const TIME = new Date('2026-11-21T23:00:00.987Z')

function collector(): Sink & { lines: string[] } {
  const lines: string[] = []
  return { lines, write: (line) => void lines.push(line) }
}

function logger(settings: Partial<LogSettings>, toFile: boolean) {
  const file = collector()
  const stderr = collector()
  const log = createLogger({
    settings: { format: 'text', level: 'info', ...settings },
    file: toFile ? file : undefined,
    stderr,
    now: () => TIME,
  })
  return { log, file: file.lines, stderr: stderr.lines }
}

describe('lines', () => {
  it('JSON is what logrus writes', () => {
    expect(jsonLine('error', 'container does not exist', TIME)).toBe(
      '{"level":"error","msg":"container does not exist","time":"2026-11-21T23:00:00Z"}\n',
    )
  })

  it.each(['a\nb', '\u0000\u001b[31m', '"\\', '\u007f\u0085', '\ud800', '\u2028', 'grün ✓', ''])(
    'JSON with %j is one line that parses back, without control characters',
    (message) => {
      const line = jsonLine('error', message, TIME)
      expect(JSON.parse(line).msg).toBe(message)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: their absence is the point
      expect(line.slice(0, -1)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\ud800]/)
    },
  )

  it.each([
    ['plain', 'msg=plain'],
    ['two words', 'msg="two words"'],
    ['', 'msg=""'],
    ['a "b" \\ c', 'msg="a \\"b\\" \\\\ c"'],
    ['a\n\u001b[0m', 'msg="a\\n\\x1b[0m"'],
    ['/a/b-c.d@e^f+g_h', 'msg=/a/b-c.d@e^f+g_h'],
  ])('text with %j ends in %s', (message, expected) => {
    expect(textLine('warning', message, TIME)).toBe(`time="2026-11-21T23:00:00Z" level=warning ${expected}\n`)
  })

  it('for people: one line, named only if it is not an error', () => {
    expect(plainLine('error', 'create failed: a\nb')).toBe('davit: create failed: a\\nb\n')
    expect(plainLine('warning', 'w')).toBe('davit: warning: w\n')
  })
})

describe('logSettings', () => {
  const flags = { 'log-format': 'text', debug: false } as const

  it.each([
    [{}, undefined],
    [{ log: '' }, undefined],
    [{ log: '/a:b' }, '/a:b'],
    [{ log: 'file:/l' }, '/l'],
    [{ log: 'rel' }, 'rel'],
  ])('%j goes to %s', (given, file) => {
    expect(logSettings({ ...flags, ...given }).file).toBe(file)
  })

  it.each(['journald:x', 'syslog:x', 'file:'])('refuses %s', (log) => {
    expect(() => logSettings({ ...flags, log })).toThrowError(expect.objectContaining({ code: 'usage' }))
  })

  it('takes the level from --debug, else --log-level, else info', () => {
    expect(logSettings(flags).level).toBe('info')
    expect(logSettings({ ...flags, 'log-level': 'error' }).level).toBe('error')
    expect(logSettings({ ...flags, 'log-level': 'error', debug: true }).level).toBe('debug')
  })
})

describe('createLogger', () => {
  it('without a file: everything of the level on stderr, once', () => {
    const { log, stderr } = logger({}, false)
    log.debug('d')
    log.info('i')
    log.warning('w')
    log.fatal('f')
    expect(stderr).toEqual(['davit: info: i\n', 'davit: warning: w\n', 'davit: f\n'])
  })

  it('with a file: everything there, and only what is fatal on stderr', () => {
    const { log, file, stderr } = logger({ format: 'json', level: 'debug' }, true)
    log.debug('d')
    log.warning('w')
    log.error('e')
    log.fatal('f')
    expect(file.map((line) => JSON.parse(line).level)).toEqual(['debug', 'warning', 'error', 'error'])
    expect(stderr).toEqual(['davit: f\n'])
  })

  it('JSON on stderr when asked for', () => {
    const { log, stderr } = logger({ format: 'json' }, false)
    log.error('e')
    expect(JSON.parse(stderr[0] ?? '')).toMatchObject({ level: 'error', msg: 'e' })
  })

  it('--log-level error leaves warnings out', () => {
    const { log, file } = logger({ level: 'error' }, true)
    log.warning('w')
    expect(file).toEqual([])
  })
})

describe('sinks', () => {
  const fail = (): never => {
    throw new Error('open("/l"): no such file or directory')
  }

  it('opens the file at once, appending, with one write a line', () => {
    const calls: unknown[][] = []
    const sink = openLogSink('/l', {
      openFile: (...given) => {
        calls.push(given)
        return 7
      },
      writeFd: (...given) => void calls.push(given),
    })
    expect(calls).toEqual([['/l', 0o2002101, 0o644]])
    sink.write('line\n')
    expect(calls[1]).toEqual([7, 'line\n'])
  })

  it('a log that cannot be opened is an error, a line that cannot be written is not', () => {
    expect(() => openLogSink('/l', { openFile: fail, writeFd: fail })).toThrowError(/^--log: .*no such file/)
    stderrSink({ writeFd: fail }).write('x')
  })
})
