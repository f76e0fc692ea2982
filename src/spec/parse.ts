/** Text of config.json to an unchecked value. */
import { RuntimeError } from '../base/errors.ts'

/**
 * Parses config.json, or another document of which `name` tells. As with Go's decoder the last of duplicate keys counts
 * and a byte order mark is an error.
 * Throws RuntimeError 'config-syntax' with line and column.
 */
export async function parseConfig(text: string, name = 'config.json'): Promise<unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    // The engines word their errors differently and often without a place: scan again, only now.
    const { describeSyntaxError } = await import('./scan.ts')
    throw new RuntimeError('config-syntax', `parse ${name}: ${describeSyntaxError(text)}`, [], { cause: error })
  }
  for (const rule of seccompRules(value)) if (hasInexactArgument(rule)) return withExactArguments(value, text)
  return value
}

interface LooseArg {
  value?: unknown
  valueTwo?: unknown
}

/** linux.seccomp.syscalls of an unchecked value; [] when there is nothing of the kind. */
function seccompRules(value: unknown): readonly { args?: unknown }[] {
  const rules = (value as { linux?: { seccomp?: { syscalls?: unknown } } } | null)?.linux?.seccomp?.syscalls
  return Array.isArray(rules) ? rules : []
}

function seccompArgs(rule: { args?: unknown } | null): readonly (LooseArg | null)[] {
  return Array.isArray(rule?.args) ? rule.args : []
}

function isInexact(value: unknown): boolean {
  return typeof value === 'number' && value > Number.MAX_SAFE_INTEGER
}

function hasInexactArgument(rule: { args?: unknown } | null): boolean {
  for (const arg of seccompArgs(rule)) if (isInexact(arg?.value) || isInexact(arg?.valueTwo)) return true
  return false
}

/**
 * Puts decimal strings in the place of seccomp arguments above 2^53. The text is parsed once more with those literals
 * quoted; a `"` after `{`, `,` or white space can only start a key or a string, so nothing inside a string matches,
 * and only the seccomp arguments are taken over from the second tree.
 */
function withExactArguments(value: unknown, text: string): unknown {
  const quoted = text.replace(/([{,\s]"value(?:Two)?"\s*:\s*)(\d{16,20})(?=\s*[,}])/g, '$1"$2"')
  const exact = seccompRules(JSON.parse(quoted))
  for (const [index, rule] of seccompRules(value).entries()) {
    const exactArgs = seccompArgs(exact[index] ?? null)
    for (const [place, arg] of seccompArgs(rule).entries()) {
      const source = exactArgs[place]
      if (!arg || !source) continue
      if (isInexact(arg.value)) arg.value = source.value
      if (isInexact(arg.valueTwo)) arg.valueTwo = source.valueTwo
    }
  }
  return value
}
