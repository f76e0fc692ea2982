/** Waiting for something to become true. */
import { patience } from './pace.ts'

/** Asks until the answer is neither false, undefined nor empty, and gives it; throws after `limit` ms (more on a slow machine). */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
  limit = 10_000,
): Promise<Exclude<T, false | undefined | ''>> {
  const patient = patience(limit)
  const end = Date.now() + patient
  for (;;) {
    const value = await ask()
    if (value !== false && value !== undefined && value !== '') return value as Exclude<T, false | undefined | ''>
    if (Date.now() > end) throw new Error(`${what}: not after ${patient} ms`)
    await new Promise((done) => setTimeout(done, 10))
  }
}
