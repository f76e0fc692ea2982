/** The kernel's own headers, where they are installed (linux-libc-dev). */
import { existsSync, readFileSync } from 'node:fs'

/** Where Debian and Ubuntu put a header: below the architecture's folder, or directly. */
const FOLDERS = ['/usr/include/x86_64-linux-gnu', '/usr/include/aarch64-linux-gnu', '/usr/include']

/** Text of a header; undefined when it is not installed, an error when it must be. */
export function header(name: string): string | undefined {
  const folder = FOLDERS.find((each) => existsSync(`${each}/${name}`))
  if (folder) return readFileSync(`${folder}/${name}`, 'utf8')
  if (process.env.MUST_RUN === '1') throw new Error(`${name} is missing (linux-libc-dev)`)
  console.log(`skipped: ${name} is missing (linux-libc-dev)`)
  return undefined
}

/** `#define NAME number` lines; octal and hexadecimal too. */
export function defines(text: string): ReadonlyMap<string, number> {
  const lines = text.matchAll(/^\s*#\s*define\s+(\w+)\s+\(?(0x[0-9a-fA-F]+|\d+)(?:U|L|UL)?\)?(?=\s|$)/gm)
  return new Map(
    [...lines].map(([, name, digits]) => {
      const octal = /^0[0-7]+$/.test(digits as string)
      return [name as string, octal ? Number.parseInt(digits as string, 8) : Number(digits)]
    }),
  )
}
