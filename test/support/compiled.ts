/** Small programs of the tests, compiled when first asked for. */
import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs'
import { output } from './exec.ts'
import { repositoryPath } from './place.ts'

/** Absolute path of build/test/NAME, made of test/support/NAME.c. */
export async function compiled(name: string, flags: readonly string[]): Promise<string> {
  const source = repositoryPath(`test/support/${name}.c`)
  const binary = repositoryPath(`build/test/${name}`)
  if (existsSync(binary) && statSync(binary).mtimeMs > statSync(source).mtimeMs) return binary
  mkdirSync(repositoryPath('build/test'), { recursive: true })
  const temporary = `${binary}.${process.pid}`
  const args = ['-O1', '-Wall', '-Wextra', '-Werror', '-static', ...flags, '-o', temporary, source]
  await output('cc', args, { timeout: 60_000 })
  renameSync(temporary, binary) // other test processes may be building it, too
  return binary
}
