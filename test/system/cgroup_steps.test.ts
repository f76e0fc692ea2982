/** How steps of a cgroup plan fail, on plain files: it needs the native library, no root. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { runSteps } from '../../src/host/cgroup/steps.ts'
import type { CgroupStep } from '../../src/plan/cgroup/model.ts'

test('what may fail, be named otherwise or wait for another value does', () => {
  const dir = mkdtempSync(`${tmpdir()}/davit-test-`)
  for (const file of ['old', 'other']) writeFileSync(`${dir}/${file}`, '')
  const step = (path: string, value: string, more: object = {}): CgroupStep => {
    return { kind: 'write', path: `${dir}/${path}`, value, config: '/x', ...more }
  }
  runSteps([
    step('missing', '1', { tolerate: ['ENOENT'] }),
    step('new', '2', { ifAbsent: { path: `${dir}/old`, value: '3' } }),
    { kind: 'check', path: `${dir}/missing`, limit: '1', what: 'limit', config: '/x' },
  ])
  expect(readFileSync(`${dir}/old`, 'utf8')).toBe('3')
  // A write that keeps failing is reported in the end, after those that follow it.
  expect(() => runSteps([step('missing', '4', { postpone: ['ENOENT'] }), step('other', '5')])).toThrow(
    `set missing to 4 in ${dir} (/x): no such file or directory`,
  )
  expect(readFileSync(`${dir}/other`, 'utf8')).toBe('5')
  const check: CgroupStep = { kind: 'check', path: `${dir}/other`, limit: '5', what: 'memory limit', config: '/x' }
  expect(() => runSteps([check])).toThrow(`rejecting memory limit 5 <= usage 5 of ${dir} (/x)`)
  rmSync(dir, { recursive: true })
})
