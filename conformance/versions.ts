/** Names and versions of runtimes, as they tell them, and ranges of versions. */

export interface Identity {
  /** First word of `--version`. */
  readonly name: string
  readonly version: string
}

/** Name and version from the output of `--version`. */
export function parseIdentity(output: string): Identity {
  const line = output.split('\n')[0] ?? ''
  return { name: line.split(' ')[0] ?? '', version: /\d+(\.\d+)+\S*/.exec(line)?.[0] ?? '' }
}

const numbers = (version: string) => (/^\d+(\.\d+)*/.exec(version)?.[0] ?? '0').split('.').map(Number)

function compare(left: string, right: string): number {
  const [a, b] = [numbers(left), numbers(right)]
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

/** Whether a version is in a range: comparisons that must all hold, `>=1.0 <1.5`. An empty range has every version. */
export function isInRange(version: string, range: string): boolean {
  return range
    .split(' ')
    .filter(Boolean)
    .every((part) => {
      const [, sign, bound] = /^(<=|>=|<|>|=)(\d+(?:\.\d+)*)$/.exec(part) ?? []
      if (sign === undefined || bound === undefined) throw new Error(`no range of versions: ${range}`)
      const order = compare(version, bound)
      if (sign === '=') return order === 0
      return order === 0 ? sign.endsWith('=') : sign.startsWith(order < 0 ? '<' : '>')
    })
}
