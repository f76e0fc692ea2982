/** Completion, typed at the shells themselves. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { patience } from '../support/pace.ts'
import { command, requires } from '../support/requires.ts'
import { scratch } from '../support/scratch.ts'
import { type Shell, type ShellName, startShell } from '../support/shell.ts'

/** How the manual has it. */
const SETUP: Readonly<Record<ShellName, readonly string[]>> = {
  bash: ['source <(davit completion)'],
  zsh: ['autoload -Uz compinit; compinit -D -u', 'source <(davit completion zsh)'],
  fish: ['davit completion fish | source'],
}

async function readyShell(name: ShellName): Promise<Shell> {
  const shell = await startShell(name)
  for (const line of SETUP[name]) await shell.command(line)
  return shell
}

/** A directory that has containers (to davit every directory of its root is one), bundles and files. */
function place(): string {
  const dir = `${scratch()}/p`
  for (const name of ['root/only-one', 'bundle', 'with space', 'other'])
    mkdirSync(`${dir}/${name}`, { recursive: true })
  writeFileSync(`${dir}/socket`, '')
  return dir
}

describe.each(['bash', 'zsh', 'fish'] as const)('%s', (name) => {
  describe.runIf(requires(command(name)))('completes', () => {
    test('what davit offers', { timeout: patience(60_000) }, async () => {
      const shell = await readyShell(name)
      const dir = place()
      const cases: readonly (readonly [typed: string, completed: string])[] = [
        ['davit pau', 'davit pause '],
        ['davit --debug feat', 'davit --debug features '],
        ['davit list --q', 'davit list --quiet '],
        ['davit list --format j', 'davit list --format json '],
        ['davit list --format=j', 'davit list --format=json '],
        ['davit list -f j', 'davit list -f json '],
        ['davit completion z', 'davit completion zsh '],
        [`davit --root ${dir}/root delete `, `davit --root ${dir}/root delete only-one `],
        [`davit --root=${dir}/root delete --force on`, `davit --root=${dir}/root delete --force only-one `],
        ['davit kill c SIGWIN', 'davit kill c SIGWINCH '],
        [`davit run --bundle ${dir}/bun`, `davit run --bundle ${dir}/bundle/`],
        [`davit run --bundle=${dir}/bun`, `davit run --bundle=${dir}/bundle/`],
        [`davit run -b ${dir}/with`, `davit run -b ${dir}/with\\ space/`],
        [`davit create --console-socket ${dir}/so`, `davit create --console-socket ${dir}/socket `],
        // Only directories where a directory must be.
        [`davit run --bundle ${dir}/so`, `davit run --bundle ${dir}/so`],
        // Nothing to offer: nothing happens, no files either.
        ['davit nosuch /et', 'davit nosuch /et'],
        ['davit create /et', 'davit create /et'],
      ]
      for (const [typed, completed] of cases) expect(await shell.completed(typed), typed).toBe(completed)
    })

    test('and lists what there is to choose from', { timeout: patience(60_000) }, async () => {
      const shell = await readyShell(name)
      const verbs = await shell.listed('davit st')
      expect(verbs).toMatch(/start[\s\S]*state/)
      if (name !== 'bash') expect(verbs).toContain('print the state of a container')
      const flags = await shell.listed('davit run --no-')
      for (const flag of ['--no-new-keyring', '--no-pivot', '--no-subreaper']) expect(flags).toContain(flag)
    })
  })
})
