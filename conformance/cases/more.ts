/** The groups of cases beyond the basic operations. */
import type { Case } from '../suite.ts'
import { EXEC } from './exec.ts'
import { LIFECYCLE } from './lifecycle.ts'

export const MORE: Readonly<Record<string, readonly Case[]>> = { lifecycle: LIFECYCLE, exec: EXEC }
