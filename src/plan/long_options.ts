/**
 * Options of file systems whose values are longer than fsconfig(2) takes; mount(2), which runc uses, takes a page of all
 * options together.
 */
import { type Facts, kernelAtLeast } from './facts.ts'

/** KERNEL: strndup_user(value, 256) in fs/fsopen.c. */
const MOST = 255

const LOWER = 'lowerdir='

/** Options of overlay that may be given as an open directory. KERNEL(6.13). */
const LAYERS = new Set(['upperdir', 'workdir', 'lowerdir+', 'datadir+'])

/** Whether the value is longer than fsconfig(2) takes. */
export function isLong(option: string): boolean {
  const length = option.length - option.indexOf('=') - 1
  // A character of UTF-8 has three bytes at the most for each unit of a string.
  return length > MOST / 3 && new TextEncoder().encode(option).length - option.indexOf('=') - 1 > MOST
}

/** The options, overlay's lower layers one by one where they are too long together. KERNEL(6.8). */
export function shortOptions(type: string, options: readonly string[]): readonly string[] {
  if (type !== 'overlay') return options
  return options.flatMap((option) => (isLong(option) && option.startsWith(LOWER) ? layers(option) : [option]))
}

/**
 * "lowerdir=a:b::c" as "lowerdir+=a", "lowerdir+=b", "datadir+=c"; a backslash keeps a colon from being one that parts
 * (Documentation/filesystems/overlayfs.rst). What does not read like this stays, for the kernel to say what is wrong.
 */
function layers(option: string): string[] {
  const found = [...option.slice(LOWER.length).matchAll(/(^|::?)((?:[^:\\]|\\.)+)/gs)]
  const text = found.map(([all]) => all).join('')
  if (text !== option.slice(LOWER.length)) return [option]
  return found.map(
    ([, colons, path = '']) => `${colons === '::' ? 'datadir' : 'lowerdir'}+=${path.replace(/\\(.)/gs, '$1')}`,
  )
}

/** The directory that a long option of overlay names; undefined: the option is none that may be given opened. */
export function layerOf(type: string, option: string): { readonly key: string; readonly path: string } | undefined {
  const cut = option.indexOf('=')
  const key = option.slice(0, cut)
  if (type !== 'overlay' || !LAYERS.has(key) || !isLong(option)) return undefined
  const path = option.slice(cut + 1)
  // The lower ones have been through layers().
  return { key, path: key.endsWith('+') ? path : path.replace(/\\(.)/gs, '$1') }
}

/** What is wrong with the length of a mount's options; `options` are those of the file system. */
export function lengthProblems(type: string, options: readonly string[], facts: Pick<Facts, 'kernel'>): string[] {
  return options.filter(isLong).flatMap((option) => {
    const name = option.slice(0, option.indexOf('='))
    const parts = shortOptions(type, [option]).filter(isLong)
    if (parts.some((part) => !layerOf(type, part)))
      return [`the value of "${name}" has more than the ${MOST} bytes that the kernel takes`]
    const [major, minor] = parts.length > 0 ? [6, 13] : [6, 8]
    if (kernelAtLeast(facts, major, minor)) return []
    return [`a value of "${name}" with more than ${MOST} bytes takes Linux ${major}.${minor} or newer`]
  })
}
