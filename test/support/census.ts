/** Which system calls a command line of the runtime makes, by strace: where accidents can happen. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { exec } from './exec.ts'
import { RUNTIME } from './place.ts'
import { stateRoot } from './runtime.ts'

export interface Census {
  /** How many calls davit's own thread makes. */
  readonly own: number
  /** Calls that only the processes make which become the container's, and how often at most one of them does. */
  readonly inside: Readonly<Record<string, number>>
}

/** Counts the calls of a command line, in a folder of its own; all its processes must end. */
export async function census(args: readonly string[], folder: string): Promise<Census> {
  mkdirSync(folder)
  const output = `${folder}/output`
  await exec('strace', ['-ff', '-qq', '-o', `${folder}/calls`, RUNTIME, '--root', stateRoot(), ...args], { output })
  const lists = readdirSync(folder)
    .filter((name) => name.startsWith('calls.'))
    .map((name) => readFileSync(`${folder}/${name}`, 'utf8').split('\n'))
    .map((lines) => lines.map((line) => /^(\w+)\(/.exec(line)?.[1] ?? '').filter((call) => call !== ''))
  // Whatever executes a program is a process: the first is davit, threads of the engine never do.
  const [own = [], ...children] = lists.filter((list) => list.includes('execve')).sort((a, b) => b.length - a.length)
  const outside = new Set(lists.filter((list) => !children.includes(list)).flat())
  const inside: Record<string, number> = {}
  for (const list of children)
    for (const call of new Set(list.filter((name) => !outside.has(name))))
      inside[call] = Math.max(inside[call] ?? 0, list.filter((name) => name === call).length)
  return { own: own.length, inside }
}
