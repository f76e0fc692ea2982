/** A hostile process beside the runtime (attacker.c), compiled when first asked for. */
import { compiled } from './compiled.ts'
import { type Running, start } from './exec.ts'
import { atEnd } from './scratch.ts'
import { until } from './wait.ts'

/** Its path, static as containers need it. */
export function attackerPath(): Promise<string> {
  return compiled('attacker')
}

/** Starts an attack and waits until it is under way. It ends with the test. */
export async function attack(word: string, ...args: readonly string[]): Promise<Running> {
  const running = start(await attackerPath(), args, { timeout: 120_000 })
  atEnd(async () => {
    running.child.kill('SIGKILL')
    await running.done
  })
  await until(`attacker ${args[0]}`, () => running.stdout().includes(`${word}\n`))
  return running
}
