/** Small programs of the tests, compiled when first asked for. */
import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs'
import { output } from './exec.ts'
import { repositoryPath } from './place.ts'

const FREESTANDING = ['-nostdlib', '-ffreestanding', '-fno-stack-protector', '-fno-pie', '-no-pie']

/** Each with the flags that it takes beyond those of all. */
const PROGRAMS = {
  agent: [],
  attacker: [],
  caller: [...FREESTANDING, '-I', repositoryPath('native')],
  filter_of: [],
  fuse: [],
  probe: [],
  tracer: [],
  view: [],
} as const satisfies Record<string, readonly string[]>

/** What can be compiled: names of files in build/test. */
export const COMPILED = Object.keys(PROGRAMS) as readonly (keyof typeof PROGRAMS)[]

const built = new Map<string, Promise<string>>()

/** Absolute path of build/test/NAME, made of test/support/NAME.c; static, as containers need it. */
export function compiled(name: keyof typeof PROGRAMS): Promise<string> {
  const path = built.get(name) ?? compile(name)
  built.set(name, path)
  return path
}

/** Compiles all of them, for a machine that has no compiler. */
export async function compileAll(): Promise<void> {
  for (const name of COMPILED) await compiled(name)
}

async function compile(name: keyof typeof PROGRAMS): Promise<string> {
  const source = repositoryPath(`test/support/${name}.c`)
  const binary = repositoryPath(`build/test/${name}`)
  if (existsSync(binary) && statSync(binary).mtimeMs > statSync(source).mtimeMs) return binary
  mkdirSync(repositoryPath('build/test'), { recursive: true })
  const temporary = `${binary}.${process.pid}`
  const args = ['-O1', '-Wall', '-Wextra', '-Werror', '-static', ...PROGRAMS[name], '-o', temporary, source]
  await output('cc', args, { timeout: 60_000 })
  renameSync(temporary, binary) // other test processes may be building it, too
  return binary
}
