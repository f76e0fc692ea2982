import { describe, expect, test } from 'vitest'
import { complete } from '../../../src/cli/complete.ts'
import { completionText } from '../../../src/cli/completion.ts'
import { GLOBALS } from '../../../src/cli/globals.ts'
import type { OptionSpec } from '../../../src/cli/option.ts'
import { VERBS, type Verbs } from '../../../src/cli/table.ts'

const containers = (root: string | undefined) => [`in-${root ?? 'default'}`, 'other']

/** The words offered; "files" or "directories" when the shell is to offer those. */
const offered = (...words: string[]) => {
  const { files, candidates } = complete(words, containers)
  return files === 'none' ? candidates.map(([word]) => word) : files
}

const visible = (table: Readonly<Record<string, OptionSpec>>) =>
  Object.keys(table)
    .filter((name) => !table[name]?.hidden)
    .map((name) => `--${name}`)

const verbs = Object.keys(VERBS).filter((name) => !(VERBS as Verbs)[name]?.hidden)

describe('completion', () => {
  test('of verbs, with what they do', () => {
    expect(offered('')).toEqual(verbs)
    expect(offered('st')).toEqual(['start', 'state'])
    expect(complete(['pau'], containers).candidates).toEqual([['pause', VERBS.pause.summary]])
    expect(offered('--debug', '--root', '/r', 'pau')).toEqual(['pause'])
  })

  test('of flags: global ones before the verb, its own after it', () => {
    expect(offered('--')).toEqual(visible(GLOBALS))
    expect(offered('-')).toEqual(visible(GLOBALS))
    expect(offered('run', '--')).toEqual([...visible(VERBS.run.options), '--help'])
    expect(offered('list', '--f')).toEqual(['--format'])
    expect(offered('run', 'c', '--ke')).toEqual(['--keep'])
    expect(offered('create', '--no-sub')).toEqual([])
  })

  test('does not offer what was given', () => {
    expect(offered('list', '--format', 'json', '--')).toEqual(['--quiet', '--help'])
    expect(offered('list', '-f', 'json', '--')).toEqual(['--quiet', '--help'])
    expect(offered('list', '--quiet=true', '--')).toEqual(['--format', '--help'])
  })

  test('of values', () => {
    expect(offered('list', '--format', '')).toEqual(['table', 'json'])
    expect(offered('list', '-f', 'j')).toEqual(['json'])
    expect(offered('list', '--format=j')).toEqual(['--format=json'])
    expect(offered('--debug=')).toEqual(['--debug=true', '--debug=false'])
    expect(offered('run', '--bundle', '')).toBe('directories')
    expect(offered('run', '-b', '/t')).toBe('directories')
    expect(complete(['run', '--bundle=/t'], containers)).toMatchObject({ files: 'directories', prefix: '--bundle=' })
    expect(offered('--root', '')).toBe('directories')
    expect(offered('--log', '')).toBe('files')
    expect(offered('create', '--console-socket', '')).toBe('files')
    expect(offered('create', '--preserve-fds', '')).toEqual([])
  })

  test('of containers: where there must be one, below the root that was typed', () => {
    expect(offered('start', '')).toEqual(['in-default', 'other'])
    expect(offered('--root', '/r', 'delete', '--force', '')).toEqual(['in-/r', 'other'])
    expect(offered('--root=/r', 'delete', 'o')).toEqual(['other'])
    expect(offered('create', '')).toEqual([])
    expect(offered('start', 'c', '')).toEqual([])
    expect(offered('kill', '--', '')).toEqual(['in-default', 'other'])
  })

  test('of signals, with and without SIG', () => {
    expect(offered('kill', 'c', 'SIGW')).toEqual(['SIGWINCH'])
    expect(offered('kill', 'c', 'WI')).toEqual(['WINCH'])
    expect(offered('kill', 'c', 'S')).toContain('SIGTERM')
    expect(offered('kill', 'c', '')).toContain('SIGKILL')
  })

  test('of words that are one of a few', () => {
    expect(offered('completion', '')).toEqual(['bash', 'zsh', 'fish'])
  })

  test('leaves the arguments of other programs alone', () => {
    expect(offered('ps', 'c', '-')).toEqual([])
    expect(offered('ps', 'c', '-o', '')).toEqual([])
    expect(offered('ps', '--')).toEqual(['--format', '--help'])
  })

  test.each([
    [[]],
    [['nosuch', '']],
    [['nosuch', '--']],
    [['--nosuch', 'x', '']],
    [['--nosuch=1', '']],
    [['--nosuch=']],
    [['list', '--nosuch=x']],
    [['__complete', '']],
    [['toString', '']],
    [['--constructor=']],
    [['list', '--', '--']],
    [['\u0000']],
  ])('is not thrown by %j', (words) => {
    expect(complete(words, containers).files).toBe('none')
  })
})

test('the answer to the scripts', () => {
  expect(completionText(complete(['paus'], containers))).toBe(`none\npause\t${VERBS.pause.summary}\n`)
  expect(completionText(complete(['--root', ''], containers))).toBe('directories\n')
})
