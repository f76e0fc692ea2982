/** Asks web servers on an engine's host, or from a container's network namespace. */
import { until } from '../../support/wait.ts'
import type { Host } from './host.ts'

const ASK = `
const ask = (url) => fetch(url, { signal: AbortSignal.timeout(2000) })
  .then(async (answer) => answer.status + ' ' + (await answer.text()))
  .catch(() => null)
const alive = setTimeout(() => {}, 10_000)
Promise.all(process.argv.slice(1).map(ask)).then((answers) => {
  clearTimeout(alive)
  console.log(JSON.stringify(answers))
})`

/** The answers of several, all asked at once: "200 " and the page; null of who does not answer. */
export async function askAll(host: Host, urls: readonly string[]): Promise<(string | null)[]> {
  return JSON.parse(await host.output(process.execPath, ['-e', ASK, ...urls])) as (string | null)[]
}

export const ask = async (host: Host, url: string) => (await askAll(host, [url]))[0] ?? undefined

/** Asks until the answer contains the text. */
export async function untilAnswer(host: Host, url: string, text: string, limit = 20_000): Promise<void> {
  let last: string | undefined
  const look = async () => {
    last = await ask(host, url)
    return last?.includes(text) ?? false
  }
  await until(`${url} to answer ${JSON.stringify(text)}`, look, limit).catch((error: Error) => {
    throw new Error(`${error.message}, but ${JSON.stringify(last)}`)
  })
}
