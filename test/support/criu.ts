/** criu, where it works: it has to know the kernel, which Debian's of the day often does not. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import type { Need } from './requires.ts'

/** Where davit looks, too. */
const FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/local/bin', '/usr/bin', '/bin']

const path = () => FOLDERS.map((folder) => `${folder}/criu`).find((place) => existsSync(place))

/** The criu that davit uses. */
export function criuPath(): string {
  const found = path()
  if (found === undefined) throw new Error('no criu')
  return found
}

function check(...args: string[]): boolean {
  if (path() === undefined || process.geteuid?.() !== 0) return false
  try {
    execFileSync(criuPath(), ['check', ...args], { stdio: 'ignore', timeout: 60_000 })
    return true
  } catch {
    return false
  }
}

/** The kernel has a feature of those that `criu check --feature` knows. */
export function criuCan(feature: string): Need {
  return { name: `${feature} (criu check --feature)`, optional: true, met: () => check('--feature', feature) }
}

/**
 * KERNEL(7.3): there is no UDP-Lite. criu 4.1 asks for its sockets, takes it that there is no such protocol for a failure
 * without a word, and `criu check` does not notice.
 */
const hasUdpLite = () => readFileSync('/proc/net/protocols', 'latin1').includes('UDP-Lite')

let known: boolean | undefined

/** No machine can be asked for it: what criu there is may be older than the kernel. */
export const CRIU: Need = {
  name: 'a criu that knows this kernel (criu check, UDP-Lite)',
  optional: true,
  met: () => {
    known ??= hasUdpLite() && check()
    return known
  },
}
