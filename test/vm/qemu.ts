/**
 * QEMU: the machine's own, or Debian's unpacked into the cache. Bookworm's 7.2 makes guests crash at random where it has
 * to emulate (TCG) with `-cpu max`.
 */
import { spawnSync } from 'node:child_process'
import { SUITE, sources } from './archive.ts'
import { cached } from './cache.ts'
import { run } from './host.ts'

const OLDEST = 8
const PROGRAM = 'qemu-system-x86_64'

/** The command line that starts QEMU, without arguments of ours. */
export function qemu(): readonly string[] {
  return works([PROGRAM]) ? [PROGRAM] : unpacked()
}

function works([file = '', ...args]: readonly string[]): boolean {
  const { stdout } = spawnSync(file, [...args, '--version'], { encoding: 'utf8' })
  return Number(/^QEMU emulator version (\d+)/.exec(stdout ?? '')?.[1] ?? 0) >= OLDEST
}

/** With all libraries that it needs, and their loader: none of them have to fit this machine's. */
function unpacked(): readonly string[] {
  const packages = 'qemu-system-x86,seabios'
  const folder = cached('qemu', [SUITE, packages], (path) => {
    run('mmdebstrap', ['--variant=extract', ...QUIET, `--include=${packages}`, SUITE, path, '-'], sources())
  })
  const libraries = `${folder}/usr/lib/x86_64-linux-gnu`
  const loader = [`${folder}/usr/lib64/ld-linux-x86-64.so.2`, '--library-path', libraries]
  const data = ['qemu', 'seabios'].flatMap((name) => ['-L', `${folder}/usr/share/${name}`])
  const command = [...loader, `${folder}/usr/bin/${PROGRAM}`, ...data]
  if (!works(command)) throw new Error(`the QEMU in ${folder} does not start`)
  return command
}

/** No suggestions, no translations. */
export const QUIET = ['--aptopt=APT::Install-Recommends "false"', '--aptopt=Acquire::Languages "none"'] as const
