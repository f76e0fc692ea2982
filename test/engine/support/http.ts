/** Asks web servers on an engine's host, or from a container's network namespace. */
import { until } from '../../support/wait.ts'
import type { Host } from './host.ts'

const ASK = `
fetch(process.argv[1], { signal: AbortSignal.timeout(5000) })
  .then(async (answer) => process.stdout.write(answer.status + ' ' + (await answer.text())))
  .catch((error) => { process.stderr.write(String(error.cause ?? error)); process.exit(1) })`

/** "200 " and the page; undefined while nobody answers. */
export async function ask(host: Host, url: string): Promise<string | undefined> {
  const { code, stdout } = await host.exec(process.execPath, ['-e', ASK, url])
  return code === 0 ? stdout : undefined
}

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
