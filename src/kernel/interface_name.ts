/** Names of network interfaces, as the kernel takes them. */
import { IFNAMSIZ } from './rtnetlink.ts'

/** What a name may not have in it: it is a file name in /sys, and part of names in /proc/sys and of aliases. */
const FORBIDDEN = /[/:\s\0]/

/** Whether an interface can have the name. A "%" is none of a name: it begins the template of one. */
export function isInterfaceName(name: string): boolean {
  return isNameOrTemplate(name) && !name.includes('%')
}

/** Whether it is a name, or one with "%d" in it once, in place of which goes the lowest number that is free. */
export function isNameOrTemplate(name: string): boolean {
  if (name === '' || name === '.' || name === '..' || FORBIDDEN.test(name)) return false
  const bytes = new TextEncoder().encode(name)
  // KERNEL: its isspace() takes single bytes for Latin-1, of which this one, the last of "à", is the no-break space.
  if (bytes.length >= IFNAMSIZ || bytes.includes(0xa0)) return false
  return !name.replace('%d', '').includes('%')
}

/** The name that a template stands for where the names in `taken` are in use; undefined when none fits. */
export function nameOf(template: string, taken: ReadonlySet<string>): string | undefined {
  if (!template.includes('%d')) return template
  // One of them is free: there are more than are taken.
  for (let number = 0; number <= taken.size; number++) {
    const name = template.replace('%d', String(number))
    if (!taken.has(name)) return isInterfaceName(name) ? name : undefined
  }
  return undefined
}
