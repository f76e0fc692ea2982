/** davit as a package: what `npm pack` makes is installed in an empty project and used there, in JavaScript and types. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const PROJECT = resolve(import.meta.dirname, '../..')

const CONSUMER = `
import { buildPlan, checkPlan, type Facts, gatherFacts, parseSpec, type Plan, printPlan, RuntimeError } from 'davit'

const CONFIG = {
  ociVersion: '1.3.0',
  root: { path: 'rootfs' },
  process: { cwd: '/', args: ['/bin/true'], user: { uid: 0, gid: 0 } },
  hostname: 'from-a-library',
  linux: { namespaces: [{ type: 'mount' }, { type: 'uts' }] },
}
const { spec } = await parseSpec(JSON.stringify(CONFIG))
const facts: Facts = gatherFacts()
const request = { id: 'x', bundle: '/b', verb: 'create', noPivot: false, noNewKeyring: false, preserveFds: 0 } as const
const plan: Plan = buildPlan({ spec, facts, request, cgroup: undefined, rootfs: '/b/rootfs' })
checkPlan(plan)
console.log(printPlan(plan))
try {
  await parseSpec('{"ociVersion": 1}')
} catch (error) {
  if (error instanceof RuntimeError) console.log(error.code)
}
`

describe('the package', { timeout: 60_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'davit-package-'))
  const installed = join(folder, 'node_modules/davit')
  const run = (file: string, ...args: string[]) => execFileSync(file, args, { cwd: folder, encoding: 'utf8' })

  beforeAll(() => {
    const pack = ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder]
    const name = execFileSync('npm', pack, { cwd: PROJECT, encoding: 'utf8' }).trim()
    mkdirSync(installed, { recursive: true })
    run('tar', '-xzf', name, '--strip-components=1', '-C', installed)
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  }, 60_000)

  afterAll(() => rmSync(folder, { recursive: true }))

  it('has types, and plans a container in any Node', () => {
    writeFileSync(join(folder, 'consumer.ts'), CONSUMER)
    const options = { module: 'nodenext', target: 'es2023', lib: ['es2023', 'dom'], strict: true, types: [] }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['consumer.ts'] }))
    const tsc = spawnSync(process.execPath, [join(PROJECT, 'node_modules/typescript/bin/tsc')], {
      cwd: folder,
      encoding: 'utf8',
    })
    expect(tsc.stdout).toBe('')
    const text = run(process.execPath, 'consumer.js')
    expect(text).toContain('from-a-library')
    expect(text).toContain('config-invalid')
  })

  it('brings a program', () => {
    expect(run(process.execPath, join(installed, 'build/davit.js'), '--version')).toMatch(
      /^davit version \d+\.\d+\.\d+\n/,
    )
  })

  it('holds no more than it needs', () => {
    const files = run('find', '.', '-type', 'f', '-path', '*/davit/*').split('\n')
    expect(files.filter((path) => /\/(src|test|native|bench)\//.test(path) && !path.includes('/build/lib/'))).toEqual(
      [],
    )
    expect(files).toContain('./node_modules/davit/LICENSE')
  })
})
