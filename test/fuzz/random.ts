/** Chance that can be had again: everything of an input comes from one seed. */

export interface Random {
  /** An integer from 0 on, below `limit`. */
  below(limit: number): number
  /** True once in `n` times. */
  oneIn(n: number): boolean
  pick<T>(list: readonly T[]): T
}

/** splitmix32 */
export function randomOf(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x9e3779b9) >>> 0
    let z = state
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return (z ^ (z >>> 15)) >>> 0
  }
  const below = (limit: number) => Math.floor((next() / 2 ** 32) * limit)
  return {
    below,
    oneIn: (n) => below(n) === 0,
    pick<T>(list: readonly T[]): T {
      return list[below(list.length)] as T
    },
  }
}
