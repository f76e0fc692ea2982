/** A davit with one guard off, as a program that RUNTIME can name. */
import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import type { Guard } from '../weakened/guards.ts'
import { exec, output } from './exec.ts'
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

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** Runs one test of the suite with another runtime; how it ended. */
export async function outcome(runtime: string, file: string, name: string): Promise<string[]> {
  const vitest = repositoryPath('node_modules/vitest/vitest.mjs')
  const config = repositoryPath('test/vitest.config.ts')
  const which = ['--project', 'system', `test/system/${file}.test.ts`, '-t', `${escaped(name)}$`]
  const line = [vitest, 'run', '--config', config, ...which, '--reporter=json']
  const env = { ...process.env, RUNTIME: runtime }
  const { stdout } = await exec(process.execPath, line, { env, cwd: repositoryPath(''), timeout: 60_000 })
  const report = JSON.parse(stdout.slice(stdout.indexOf('{"'))) as {
    testResults: { assertionResults: { title: string; status: string }[] }[]
  }
  return report.testResults.flatMap(({ assertionResults }) =>
    assertionResults.filter(({ title }) => title === name).map(({ status }) => status),
  )
}
