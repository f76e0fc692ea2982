/** The conformance suite's HTML report in a real browser. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Browser } from '../support/browser.ts'
import { exec } from '../support/exec.ts'
import { patience } from '../support/pace.ts'
import { RUNTIME, repositoryPath } from '../support/place.ts'
import { readPng } from '../support/png.ts'
import { command, requires } from '../support/requires.ts'

const CASES = '^(kill-unknown|kill-stopped|delete-created|process-cwd)$'
// What is on the page as text, and must not be as markup.
const MARKUP = '</script><script>document.title="taken"</script><img src=x onerror="document.title=1">'

describe.runIf(requires('root', command('chromium')))('the report as a page', { timeout: patience(120_000) }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'davit-test-'))
  const page = join(folder, 'conformance.html')
  const url = `file://${page}`
  const ready = 'document.documentElement?.dataset.ready === "all"'
  let browser: Browser

  beforeAll(async () => {
    // A runtime that does nothing, and says something that a page could fall for.
    const hostile = join(folder, 'hostile')
    writeFileSync(
      hostile,
      `#!/bin/sh\n[ "$1" = --version ] && echo '<i>fake</i> version 1.2.3<s>' || echo '${MARKUP}' >&2\n`,
    )
    chmodSync(hostile, 0o755)
    const argv = ['--runtime', RUNTIME, '--runtime', hostile, '--filter', CASES, '--format', 'html', '--out', folder]
    const { code } = await exec(repositoryPath('build/davit-conformance'), argv)
    expect(code).toBe(1)
    browser = await Browser.start()
  }, patience(60_000))

  afterAll(async () => {
    await browser?.end()
    rmSync(folder, { recursive: true, force: true })
  })

  const rows = (view: string) =>
    browser.value<string[]>(
      `[...document.querySelectorAll('#${view} tr.row')].filter((it) => it.checkVisibility()).map((it) => it.querySelector('.id').innerText)`,
    )
  const text = (selector: string) =>
    browser.value<string>(`document.querySelector(${JSON.stringify(selector)}).innerText`)

  it('shows a cell for each case and runtime, and needs no other file', async () => {
    await browser.open(url, ready)
    expect(await rows('cases')).toEqual(['kill-stopped', 'kill-unknown', 'delete-created', 'process-cwd'])
    const cells = await browser.value<string[]>(
      `[...document.querySelectorAll('#cases tr.row:not([hidden]) .cell')].map((it) => it.innerText)`,
    )
    const [good, bad] = ['✓ passed', '✗ failed']
    expect(cells).toEqual([good, bad, good, bad, '≠ deviates', bad, good, bad])
    expect(await browser.value('performance.getEntriesByType("resource").length')).toBe(0)
    expect(readFileSync(page, 'utf8')).not.toMatch(/<link|<iframe|@import|url\(|\ssrc="/)
  })

  it('leads to the clause in the specification', async () => {
    await browser.open(url, ready)
    const links = await browser.value<string[]>(
      `[...document.querySelectorAll('#cases a.clause')].map((it) => it.href)`,
    )
    const base = 'https://github.com/opencontainers/runtime-spec/blob/v1.3.0/'
    expect(links).toEqual(
      ['runtime.md#kill', 'runtime.md#kill', 'runtime.md#delete', 'config.md#process'].map((it) => base + it),
    )
  })

  it('shows the evidence of a cell that is clicked', async () => {
    await browser.open(url, ready)
    expect(await browser.value(`document.querySelector('#panel').checkVisibility()`)).toBe(false)
    await browser.click('[id="0/process-cwd"]')
    await browser.until(`document.querySelector('#panel').checkVisibility()`)
    const panel = await text('#panel')
    for (const part of ['process-cwd', '✓ passed', 'davit', 'config.md#process', '$ create --bundle', 'exit 0']) {
      expect(panel).toContain(part)
    }
    expect(await text('#panel .program')).toMatch(/the program saw\s+\/tmp/)
    expect(await text('#panel .kernel')).toMatch(/processes, cgroups, units and mounts of the container\s+none/)
    await browser.click('#panel summary')
    expect(await text('#panel .config')).toContain('"cwd": "/tmp"')
    await browser.click('#close')
    await browser.until(`!document.querySelector('#panel').checkVisibility()`)
  })

  it('filters by words and by verdict, and keeps the filter in the address', async () => {
    await browser.open(url, ready)
    await browser.click('#q')
    await browser.type('NEITHER created')
    expect(await rows('cases')).toEqual(['kill-stopped'])
    expect(await text('#shown')).toBe('1 shown')
    await browser.open(`${url}#verdict=deviation`, ready)
    expect(await rows('cases')).toEqual(['delete-created'])
    await browser.open(`${url}#q=nothing-like-it`, ready)
    expect(await rows('cases')).toEqual([])
    expect(await text('#none')).toBe('Nothing fits this filter.')
  })

  it('goes from a case to what it covers, and back', async () => {
    await browser.open(`${url}#q=kill-stopped`, ready)
    await browser.click('#cases tr.row:not([hidden]) .tags a')
    expect(await rows('requirements')).toEqual(['runtime-kill-02'])
    expect(await text('#requirements tr.row:not([hidden])')).toMatch(
      /MUST[\s\S]*kill-stopped[\s\S]*✓ passed\s+✗ failed/,
    )
    await browser.click('#requirements tr.row:not([hidden]) .tags a')
    expect(await rows('cases')).toEqual(['kill-stopped'])
    await browser.open(`${url}#view=requirements&verdict=uncoverable`, ready)
    expect(await text('#requirements')).toContain('cannot be covered: ')
  })

  it('is light or dark, as the machine is or as one clicks', async () => {
    const colours = async () => {
      const picture = readPng(await browser.screenshot())
      return [picture.at(5, picture.height - 5), picture.count('#e2f4e9') > 500, picture.count('#173526') > 500]
    }
    await browser.prefer('light')
    await browser.open(url, ready)
    expect(await colours()).toEqual(['#f7f7f5', true, false])
    await browser.prefer('dark')
    expect(await colours()).toEqual(['#14171b', false, true])
    await browser.click('#theme')
    expect(await colours()).toEqual(['#f7f7f5', true, false])
    await browser.open(`${url}#theme=dark`, ready)
    await browser.prefer('light')
    expect(await colours()).toEqual(['#14171b', false, true])
  })

  it('takes nothing that a runtime prints for markup', async () => {
    await browser.open(`${url}#cell=1/kill-stopped`, ready)
    expect(await text('#panel')).toContain(MARKUP)
    expect(await browser.value('document.querySelectorAll("img, script:not([type])").length')).toBe(0)
    expect(await browser.value('document.title')).toBe('Conformance of davit, <i>fake</i>')
    expect(await browser.value('document.querySelectorAll(".card i:not([class]), s").length')).toBe(0)
  })
})
