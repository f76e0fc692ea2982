/** Containers that are saved and restored. */
import { readFileSync } from 'node:fs'
import { type Bundle, bundle, type Config, containerOutput, createStart, type RunOptions } from './bundle.ts'
import { patience } from './pace.ts'
import { davit, must } from './runtime.ts'
import { scratch } from './scratch.ts'
import { until } from './wait.ts'

/** criu takes its time, the more so on an emulated machine. */
export const LIMIT = { timeout: patience(120_000) }

/** Counts for ever; a process that were started anew would begin at 1. */
export const COUNT = 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.1; done'

export const image = (name = 'image') => `${scratch()}/${name}`

/** A container that counts, and has come some way. */
export async function counting(change: (config: Config) => void = () => {}, options?: RunOptions): Promise<Bundle> {
  const made = await bundle((config) => {
    config.process.args = ['/bin/sh', '-c', COUNT]
    change(config)
  })
  await createStart(made, options)
  await until('some output', () => lines(made).length > 3)
  return made
}

export const lines = (of: Bundle) => containerOutput(of).trim().split('\n').map(Number)

export function checkpoint(of: Bundle, ...args: string[]) {
  return must(['checkpoint', '--image-path', image(), ...args, of.id], LIMIT)
}

export async function restore(of: Bundle, ...args: string[]): Promise<string> {
  // Its output is the container's.
  const log = `${of.path}/restore.log`
  const line = ['restore', '--detach', '--bundle', of.path, '--image-path', image(), ...args, of.id]
  const { code, stdout } = await davit(['--log', log, ...line], { ...LIMIT, output: `${of.path}/output` })
  if (code !== 0) throw new Error(`davit ${line.join(' ')}: exit ${code}\n${readFileSync(log, 'utf8')}`)
  return stdout
}

/** It has gone on where it was: every number follows the one before. */
export async function goesOn(of: Bundle): Promise<void> {
  const before = lines(of).length
  await until('more output', () => lines(of).length > before + 2)
  const found = lines(of)
  if (found.some((number, index) => number !== index + 1)) throw new Error(`not one after the other: ${found}`)
}

export const ids = async () => JSON.parse(await must(['list', '--format', 'json'])) as { id: string }[] | null
