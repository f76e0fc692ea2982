/** All cases beyond those of the basic operations, by area. */
import type { Case } from '../suite.ts'
import { EXEC } from './exec.ts'
import { LIFECYCLE } from './lifecycle.ts'

export const MORE: readonly Case[] = [...LIFECYCLE, ...EXEC]
