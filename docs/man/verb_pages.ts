/** The prose of davit-VERB(8): a page for every command that people use. */
import type { VerbName } from '../../src/cli/table.ts'
import { LIFECYCLE_PAGES } from './lifecycle_pages.ts'
import { OTHER_PAGES } from './other_pages.ts'
import type { Page } from './page.ts'

/** A command without a page does not compile, but for those that programs use. */
export const VERB_PAGES = { ...LIFECYCLE_PAGES, ...OTHER_PAGES } satisfies Record<
  Exclude<VerbName, `__${string}`>,
  Page
>
