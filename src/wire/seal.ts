/**
 * The seal of a program that is kept in a file and run by native/prepared.c: a sum over it and the directory that it is
 * in. A disk may lose or swap parts of a file; what it says is done to whatever it names. Not against anybody's will.
 */

/** A directory, as statx(2) tells it from others. */
interface Place {
  readonly inode: number
  readonly dev: readonly [major: number, minor: number]
}

/** A round of MurmurHash3, of 32 bits. */
function add(sum: number, word: number): number {
  const first = Math.imul(word, 0xcc9e2d51)
  const mixed = sum ^ Math.imul((first << 15) | (first >>> 17), 0x1b873593)
  return Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64
}

/** An encoded plan, which is whole words, with the sum behind it. */
export function sealPlan(bytes: Uint8Array, { inode, dev }: Place): Uint8Array {
  const sealed = new Uint8Array(bytes.length + 4)
  sealed.set(bytes)
  const words = new Uint32Array(sealed.buffer)
  const last = words.length - 1
  let sum = 0
  for (const word of [inode % 2 ** 32, Math.floor(inode / 2 ** 32), ...dev]) sum = add(sum, word)
  for (let i = 0; i < last; i++) sum = add(sum, words[i] as number)
  words[last] = sum
  return sealed
}
