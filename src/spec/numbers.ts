/**
 * 64-bit numbers of config.json. JSON.parse makes doubles, exact up to 2^53; above that:
 *  - "no limit" values (RLIM_INFINITY 2^64-1, memory limits near 2^63) become 2^64 or 2^63 and are saturated here;
 *  - any other limit between 2^53 and 2^64 is off by at most one part in 2^53, which no limit can notice;
 *  - seccomp arguments are bit masks, so every bit counts: the parser keeps such literals as decimal strings.
 */

const U64_MAX = 2n ** 64n - 1n
const I64_MAX = 2n ** 63n - 1n
const I64_MIN = -(2n ** 63n)

/** A validated uint64: 0 to 2^64-1, saturated at the top. */
export function toU64(value: number | string): bigint {
  const big = BigInt(value)
  return big > U64_MAX ? U64_MAX : big < 0n ? 0n : big
}

/** A validated int64: -2^63 to 2^63-1, saturated at both ends. */
export function toI64(value: number): bigint {
  const big = BigInt(value)
  return big > I64_MAX ? I64_MAX : big < I64_MIN ? I64_MIN : big
}
