/** A davit with one guard off, as a program that RUNTIME can name. */
import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import type { Guard } from '../weakened/guards.ts'
import { output } from './exec.ts'
import { repositoryPath } from './place.ts'

let built: Promise<string> | undefined

async function build(folder: string): Promise<string> {
  const bun = repositoryPath('node_modules/bun/bin/bun.exe')
  await output(bun, [repositoryPath('test/weakened/build.ts'), `${folder}/davit.js`], { timeout: 60_000 })
  symlinkSync(repositoryPath('build/libexec'), `${folder}/libexec`)
  return `${folder}/davit.js`
}

/** Its path; built when first asked for, in a folder that the caller removes. */
export async function weakened(folder: string, guard: Guard): Promise<string> {
  built ??= build(folder)
  const program = await built
  const own = `${folder}/${guard.replace(/\W+/g, '-')}`
  mkdirSync(own, { recursive: true })
  if (!existsSync(`${own}/libexec`)) symlinkSync(repositoryPath('build/libexec'), `${own}/libexec`)
  writeFileSync(`${own}/davit`, `#!/bin/sh\nDAVIT_WEAKENED="${guard}" exec '${process.execPath}' '${program}' "$@"\n`)
  chmodSync(`${own}/davit`, 0o755)
  return `${own}/davit`
}
