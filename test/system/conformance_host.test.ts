/** What the conformance suite says where the host lacks what a case is about: that, and nothing of the runtime. */
import { mkdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Report } from '../../conformance/results.ts'
import { exec, output } from '../support/exec.ts'
import { patience } from '../support/pace.ts'
import { RUNTIME, repositoryPath } from '../support/place.ts'
import { requires } from '../support/requires.ts'
import { atEnd, scratch } from '../support/scratch.ts'

describe.runIf(requires('root'))('a host', { timeout: patience(60_000) }, () => {
  it('whose file system has no mappings of ids cannot show those of mounts, but their refusals', async () => {
    const folder = `${scratch()}/tmp`
    mkdirSync(folder)
    // None of Linux's versions maps ids of mounts of a ramfs.
    await output('mount', ['-t', 'ramfs', 'none', folder])
    atEnd(async () => void (await exec('umount', ['-l', folder])))
    const argv = ['--runtime', RUNTIME, '--group', 'idmap', '--format', 'json', '--out', `${scratch()}/report`]
    const env = { ...process.env, TMPDIR: folder }
    const { code } = await exec(repositoryPath('build/davit-conformance'), argv, { env, timeout: 50_000 })
    const report = JSON.parse(readFileSync(`${scratch()}/report/conformance.json`, 'utf8')) as Report
    const results = report.runtimes.flatMap((it) => it.results)
    const cannot = results.filter(({ verdict }) => verdict === 'host-cannot')
    const ids = ['mount-idmap', 'mount-idmap-written', 'mount-idmap-user-namespace']
    expect(cannot.map(({ id }) => id)).toEqual(expect.arrayContaining(ids))
    for (const { reason } of cannot) expect(reason).toMatch(/^the ids of mounts cannot be mapped: /)
    expect(results.filter(({ verdict }) => verdict === 'failed')).toEqual([])
    expect(results.filter(({ id, verdict }) => id.endsWith('-nothing') && verdict === 'passed')).toHaveLength(2)
    expect(code).toBe(0)
  })
})
