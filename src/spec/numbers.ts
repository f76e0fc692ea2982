/** 64-bit numbers of config.json: a number where a double holds it, else a bigint (src/spec/parse.ts). */

export type Integer = number | bigint

/** The smallest of some numbers is no matter of their types; Math.max takes no bigint. */
export function larger(a: Integer, b: Integer): Integer {
  return a < b ? b : a
}
