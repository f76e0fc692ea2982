/** A hostile process beside the runtime (attacker.c), compiled when first asked for. */
import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs'
import { output, type Running, start } from './exec.ts'
import { repositoryPath } from './place.ts'
import { atEnd } from './scratch.ts'
import { until } from './wait.ts'

const SOURCE = repositoryPath('test/support/attacker.c')
const BINARY = repositoryPath('build/test/attacker')

/** Compiles it, static as containers need it; its path. */
export async function attackerPath(): Promise<string> {
  if (existsSync(BINARY) && statSync(BINARY).mtimeMs > statSync(SOURCE).mtimeMs) return BINARY
  mkdirSync(repositoryPath('build/test'), { recursive: true })
  const temporary = `${BINARY}.${process.pid}`
  await output('cc', ['-static', '-O1', '-Wall', '-Wextra', '-Werror', '-o', temporary, SOURCE], { timeout: 60_000 })
  renameSync(temporary, BINARY)
  return BINARY
}

/** Starts an attack and waits until it is under way. It ends with the test. */
export async function attack(word: string, ...args: readonly string[]): Promise<Running> {
  await attackerPath()
  const running = start(BINARY, args, { timeout: 120_000 })
  atEnd(async () => {
    running.child.kill('SIGKILL')
    await running.done
  })
  await until(`attacker ${args[0]}`, () => running.stdout().includes(`${word}\n`))
  return running
}
