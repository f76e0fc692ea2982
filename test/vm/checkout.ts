/** The checkout as a disk: what the tests need of it, the node that they run on, and the command to run. */
import { cpSync, existsSync, mkdirSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { COMPILED } from '../support/compiled.ts'
import { CHECKOUT, run } from './host.ts'
import { makeDisk } from './image.ts'

/** What no test reads. */
const LEFT = new Set(['.git', '.claude'])
const LEFT_MODULES = new Set(['@biomejs', '@typescript', 'prettier', 'typescript'])
const LEFT_BUILD = new Set(['koffi', 'bench', 'engine'])

/** Of what engine tests have made: what a machine without a compiler and without Debian's archive cannot make. */
const ENGINE_FILES = /^(pause|(busybox-latest|pause-3\.9)-.*\.tar)$/

/** Room for what the tests write. */
const FREE_MIB = 500

/** Makes the disk below `folder`, which must be on a real file system; its path. */
export function checkoutDisk(folder: string, command: string): string {
  const [tree, disk] = [`${folder}/checkout`, `${folder}/checkout.ext4`]
  mkdirSync(tree, { recursive: true })
  copy('', LEFT, ['node_modules', 'build'], tree)
  copy('node_modules', LEFT_MODULES, [], tree)
  copy('build', LEFT_BUILD, ['test'], tree)
  // Programs of the tests, newer than their sources; none of what earlier runs have left.
  copy('build/test', new Set(), [], tree, new RegExp(`^(${COMPILED.join('|')})$`))
  if (existsSync(`${CHECKOUT}/build/engine`)) copy('build/engine', new Set(), [], tree, ENGINE_FILES)
  mkdirSync(`${tree}/.vm`)
  cpSync(realpathSync(run('sh', ['-c', 'command -v node']).trim()), `${tree}/.vm/node`)
  // Kernel 7 does not load it for who opens a loop device.
  writeFileSync(`${tree}/.vm/command`, `export PATH=/src/.vm:$PATH\nmodprobe loop\n${command}\n`)
  makeDisk(tree, disk, FREE_MIB)
  rmSync(tree, { recursive: true })
  return disk
}

/** Copies the entries of a folder of the checkout but those that are left, and those that come later. */
function copy(inner: string, left: ReadonlySet<string>, later: readonly string[], tree: string, only = /./): void {
  mkdirSync(`${tree}/${inner}`, { recursive: true })
  const names = readdirSync(`${CHECKOUT}/${inner}`)
    .filter((name) => !left.has(name) && !later.includes(name) && only.test(name))
    .map((name) => `${CHECKOUT}/${inner}/${name}`)
  if (names.length > 0) run('cp', ['-a', '--reflink=auto', ...names, `${tree}/${inner}/`])
}
