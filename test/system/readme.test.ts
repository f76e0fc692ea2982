/** What README.md tells readers to type works: its blocks marked `sh` are run, but for those marked `not-here`. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { withFigures } from '../../bench/report.ts'
import { exec } from '../support/exec.ts'
import { patience } from '../support/pace.ts'
import { repositoryPath } from '../support/place.ts'
import { command, requires } from '../support/requires.ts'

const README = readFileSync(repositoryPath('README.md'), 'utf8')
const PAGES = ['README.md', ...readdirSync(repositoryPath('docs')).map((name) => `docs/${name}`)]

const blocks = [...README.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, text]) => text ?? '')

describe.runIf(requires('root', command('busybox'), command('runc')))(
  'README.md',
  { timeout: patience(120_000) },
  () => {
    const temporary = mkdtempSync(join(tmpdir(), 'davit-readme-'))
    afterAll(() => rmSync(temporary, { recursive: true, force: true }))

    it('has commands', () => {
      expect(blocks.length).toBeGreaterThan(3)
    })

    it.each(blocks.map((text) => [text.trim().split('\n').at(-1), text]))('%s', async (_, text) => {
      const { code, stderr, stdout } = await exec('bash', ['-euc', `${text}`], {
        cwd: repositoryPath('.'),
        env: { ...process.env, TMPDIR: temporary },
        timeout: 110_000,
      })
      expect({ code, stderr: code === 0 ? '' : stderr + stdout }).toEqual({ code: 0, stderr: '' })
    })
  },
)

describe('documentation', () => {
  it('gives the figures of the results it names', () => {
    expect(README).toBe(withFigures(README, repositoryPath('')))
    expect(README).toMatch(/\| `run` of \/bin\/true +\|/)
  })

  it.each(PAGES.filter((page) => page.endsWith('.md')))('%s links to what exists', (page) => {
    const text = readFileSync(repositoryPath(page), 'utf8')
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)].map(([, target]) => target ?? '')
    const base = new URL(`file://${repositoryPath(page)}`)
    const missing = links.filter((target) => !exists(new URL(target, base).pathname))
    expect(missing).toEqual([])
  })
})

function exists(path: string): boolean {
  try {
    readFileSync(path)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EISDIR'
  }
}
