/** The table of docs/CONFORMANCE.md: differences that are explained. */
import { readFileSync } from 'node:fs'
import type { Difference } from './differential.ts'
import { repositoryPath } from './place.ts'

export interface Row {
  /** As in the page, for messages. */
  readonly line: string
  /** "runc v2" is runc on a machine with v2 alone, and so with the others. */
  readonly peers: readonly string[]
  /** Its reason says "where … is later": a race of the peer's with another process, which this machine may not show. */
  readonly race: boolean
  readonly explains: (bundle: string, difference: Difference) => boolean
}

const PEERS: Readonly<Record<string, readonly string[]>> = {
  both: ['runc', 'crun'],
  'both v2': ['runc v2', 'crun v2'],
}

/** `*` stands for anything. */
function pattern(text: string): RegExp {
  const parts = text.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('[^]*')}$`)
}

/** All rows. */
export function explanations(): Row[] {
  const lines = readFileSync(repositoryPath('docs/CONFORMANCE.md'), 'utf8').split('\n')
  return lines
    .filter((line) => /^\| (both|runc|crun|both v2|runc v2|crun v2) \|/.test(line))
    .map((line) => {
      const cells = line.slice(1, -1).split('|')
      const [against = '', ...patterns] = cells.map((cell) => cell.trim())
      if (cells.length !== 6 || !cells[5]?.trim())
        throw new Error(`docs/CONFORMANCE.md: six columns are needed: ${line}`)
      const [bundles, place, davit, other] = patterns.slice(0, 4).map(pattern) as [RegExp, RegExp, RegExp, RegExp]
      return {
        line,
        race: / where \S+ is later( |\.|$)/.test(cells[5]),
        peers: PEERS[against] ?? [against],
        explains: (bundle, found) =>
          bundles.test(bundle) && place.test(found.place) && davit.test(found.davit) && other.test(found.other),
      }
    })
}
