import { describe, expect, it } from 'vitest'
import { parseResources } from '../../../src/spec/resources.ts'

describe('parseResources', () => {
  it('reads what engines send', async () => {
    const text =
      '{"memory":{"limit":134217728,"swap":-1,"kernel":0},"cpu":{"cpus":"0"},"pids":null,"blockIO":{"weight":0}}'
    expect(await parseResources(text, 'x')).toEqual({
      memory: { limit: 134217728, swap: -1, kernel: 0 },
      cpu: { cpus: '0' },
      blockIO: { weight: 0 },
    })
    expect(await parseResources('{}', 'x')).toEqual({})
    expect(await parseResources('null', 'x')).toEqual({})
  })

  it.each([
    ['', /^parse standard input: line 1, column 1: unexpected end of text/],
    ['{"memory":', /^parse standard input: line 1, column 11: unexpected end/],
    ['[]', /^invalid standard input: expected an object, got an empty array$/],
    ['5', /^invalid standard input: expected an object, got 5$/],
    ['{"memory":{"limit":"64m"}}', /^invalid standard input: \/memory\/limit: expected an integer .*, got "64m"$/],
    ['{"memory":{"limit":1.5}}', /\/memory\/limit: expected an integer .*, got 1.5$/],
    ['{"memory":{"limit":-2}}', /\/memory\/limit: expected bytes or -1 for unlimited, got -2$/],
    ['{"memory":{"swappiness":101}}', /\/memory\/swappiness: expected an integer from 0 to 100, got 101$/],
    ['{"cpu":{"shares":-1}}', /\/cpu\/shares: expected an integer from 0/],
    ['{"blockIO":{"weight":70000}}', /\/blockIO\/weight: expected an integer from 0 to 65535, got 70000$/],
    ['{"unified":{"memory.max/x":"1"}}', /\/unified\/memory.max~1x: .* must be a file name/],
    ['{"memroy":{}}', /^invalid standard input: \/memroy: no such kind of resource$/],
    ['{"a/b":1,"pids":{"limit":"x"}}', /\/a~1b: no such kind of resource; \/pids\/limit: expected an integer/],
    ['{"__proto__":{}}', /\/__proto__: no such kind of resource$/],
  ])('refuses %s with its place', async (text, words) => {
    await expect(parseResources(text, 'standard input')).rejects.toThrow(words)
  })
})
