import { expect, test } from 'vitest'
import { oomWords } from '../../../../src/host/cgroup/oom_kills.ts'

const words = (version: 'v1' | 'v2', files: Readonly<Record<string, string>>) =>
  oomWords('/c', version, (file) => files[file])

test('v1', () => {
  const files = {
    'memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 1\n',
    'memory.limit_in_bytes': '33554432\n',
    'memory.max_usage_in_bytes': '33550336\n',
  }
  expect(words('v1', files)).toBe(
    'the kernel has killed 1 process of the container for want of memory: limit 33554432 bytes in /c/memory.limit_in_bytes, peak 33550336 bytes in /c/memory.max_usage_in_bytes',
  )
  expect(words('v1', { ...files, 'memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 0\n' })).toBe(
    undefined,
  )
  expect(words('v1', { ...files, 'memory.limit_in_bytes': '9223372036854771712\n' })).toMatch(
    /memory: no limit of its own in \/c\/memory.limit_in_bytes, peak/,
  )
})

test('v2, with and without a peak', () => {
  const files = {
    'memory.events': 'low 0\nhigh 0\nmax 7\noom 2\noom_kill 2\noom_group_kill 0\n',
    'memory.max': '1048576\n',
    'memory.current': '900000\n',
  }
  expect(words('v2', { ...files, 'memory.peak': '1048576\n' })).toBe(
    'the kernel has killed 2 processes of the container for want of memory: limit 1048576 bytes in /c/memory.max, peak 1048576 bytes in /c/memory.peak',
  )
  expect(words('v2', files)).toMatch(/peak 900000 bytes in \/c\/memory.current$/)
  expect(words('v2', { ...files, 'memory.max': 'max\n' })).toMatch(/no limit of its own in \/c\/memory.max/)
})

test('what does not say is no lack of memory', () => {
  expect(words('v1', {})).toBe(undefined)
  expect(words('v2', { 'memory.events': 'low 0\n' })).toBe(undefined)
})
