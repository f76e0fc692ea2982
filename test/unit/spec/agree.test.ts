import { describe, expect, test } from 'vitest'
import { encodeExact } from '../../../src/base/json.ts'
import { schemaProblems } from '../../../src/spec/explain.ts'
import { validateFast } from '../../../src/spec/validate_fast.gen.ts'
import { type Json, ODD_VALUES, places, plainConfig, userConfig, withPlace } from './configs.ts'

/** Deterministic pseudo-random numbers (mulberry32). */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function agree(value: Json): boolean {
  const fast = validateFast(value)
  if ((schemaProblems(value).length === 0) !== fast) expect.fail(`fast says ${fast}: ${encodeExact(value)}`)
  return fast
}

describe('the fast and the complete validator accept the same documents', () => {
  test('every odd value in every place', () => {
    let accepted = 0
    let refused = 0
    const config = userConfig()
    for (const path of places(config)) {
      for (const odd of ODD_VALUES) {
        if (agree(withPlace(config, path, odd))) accepted++
        else refused++
      }
    }
    expect(accepted).toBeGreaterThan(500)
    expect(refused).toBeGreaterThan(5000)
  })

  test('several mutations at once, and pieces moved to other places', () => {
    const next = random(1)
    const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)] as T
    for (let round = 0; round < 3000; round++) {
      let config = plainConfig()
      for (let count = 1 + Math.floor(next() * 3); count > 0; count--) {
        const all = places(config)
        const source = pick(all).reduce((value: Json, key) => value[key], config)
        config = withPlace(config, pick(all), next() < 0.5 ? pick(ODD_VALUES) : structuredClone(source)) ?? {}
      }
      agree(config)
    }
  })

  test('keys that JavaScript knows', () => {
    for (const text of [
      '{"ociVersion":"1.0.0","__proto__":{"root":1}}',
      '{"__proto__":{"ociVersion":"1.0.0"}}',
      '{"ociVersion":"1.0.0","annotations":{"__proto__":"x","constructor":"y"}}',
      '{"ociVersion":"1.0.0","annotations":{"__proto__":1}}',
      '{"ociVersion":"1.0.0","annotations":{"constructor":{}}}',
    ]) {
      agree(JSON.parse(text))
    }
  })
})
