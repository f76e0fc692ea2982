/** Runs a target on input after input, and makes what it finds smaller. */
import { type Json, places, withPlace } from '../unit/spec/configs.ts'
import { randomOf } from './random.ts'
import { Blamed, type Target } from './target.ts'

/** A fault, and the smallest input found for it. */
export interface Finding {
  readonly target: string
  readonly message: string
  readonly input: unknown
}

export interface Outcome {
  readonly inputs: number
  /** How many inputs came to what. */
  readonly counts: Readonly<Record<string, number>>
  readonly findings: readonly Finding[]
}

/** As many inputs are looked at together. */
const BATCH = 200
/** More of one target are mostly the same fault again. */
const ENOUGH = 5

/** The fault of an input, if it has one. */
async function faultOf(target: Target, input: unknown): Promise<Error | undefined> {
  try {
    await target.run(input)
    target.settle?.()
    return undefined
  } catch (error) {
    return error as Error
  }
}

/** What tells one fault from another. */
const kindOf = (error: Error) => error.message.replace(/\d+|0x[\da-f]+/g, '#').slice(0, 200)

/** A smaller input with the same fault: places are taken out, texts cut, as long as that works and for a while. */
export async function smallest(target: Target, input: unknown, fault: Error): Promise<unknown> {
  const end = Date.now() + 5_000
  let small: Json = input
  for (let again = true; again && Date.now() < end; ) {
    again = false
    for (const each of smaller(small)) {
      if (Date.now() > end) break
      const error = await faultOf(target, each)
      if (!error || kindOf(error) !== kindOf(fault)) continue
      small = each
      again = true
      break
    }
  }
  return small
}

/** Inputs with something less. */
function* smaller(input: Json): Generator<Json> {
  for (const path of places(input)) {
    const value = path.reduce((at: Json, token) => at[token], input)
    if (path.length > 0) yield withPlace(input, path, undefined)
    if (typeof value !== 'string') continue
    for (let size = value.length; size >= 1; size >>= 1)
      for (let at = 0; at < value.length; at += size)
        yield withPlace(input, path, value.slice(0, at) + value.slice(at + size))
  }
}

/** Fuzzes until the time is over or enough was found. Input i depends on the seed, i and what was there before. */
export async function fuzz(
  target: Target,
  corpus: readonly unknown[],
  { seconds, seed }: { readonly seconds: number; readonly seed: number },
): Promise<Outcome> {
  const random = randomOf(seed)
  const counts: Record<string, number> = {}
  const findings = new Map<string, Finding>()
  let inputs = 0
  const found = async (error: Error, input: unknown) => {
    const blamed = error instanceof Blamed ? error.input : input
    if (findings.has(kindOf(error))) return
    const small = blamed === undefined ? undefined : await smallest(target, blamed, error)
    findings.set(kindOf(error), { target: target.name, message: error.stack ?? error.message, input: small })
  }
  const attempt = async (input: unknown) => {
    inputs++
    try {
      const what = await target.run(input)
      counts[what] = (counts[what] ?? 0) + 1
      if (inputs % BATCH === 0) target.settle?.()
    } catch (error) {
      await found(error as Error, input)
    }
  }
  for (const input of corpus) await attempt(input)
  for (const end = Date.now() + seconds * 1000; Date.now() < end && findings.size < ENOUGH; ) {
    await attempt(target.make(random, corpus))
  }
  try {
    target.settle?.()
  } catch (error) {
    await found(error as Error, undefined)
  }
  return { inputs, counts, findings: [...findings.values()] }
}
