/** config-linux.md#seccomp: every operator, and several arguments. */
import { sees } from '../declare.ts'
import { errno, SECCOMP } from '../filter.ts'
import type { Case } from '../suite.ts'

/** For each operator with 5 (of MASKED_EQ: bit 4 set): which values it is true for, of 3, 5 and 7. */
const OPERATORS: Readonly<Record<string, readonly number[]>> = {
  SCMP_CMP_NE: [3, 7],
  SCMP_CMP_LT: [3],
  SCMP_CMP_LE: [3, 5],
  SCMP_CMP_EQ: [5],
  SCMP_CMP_GE: [5, 7],
  SCMP_CMP_GT: [7],
  SCMP_CMP_MASKED_EQ: [5, 7],
}

// The kernel adds 20 to what the call returns, not to what it is given: the value is the priority itself.
const tryValues = '{ for n in 3 5 7; do busybox renice $n $$ 2>&1 | grep -q address && echo $n; done; echo end; }'

export const SECCOMP_ARGUMENTS: readonly Case[] = [
  ...Object.entries(OPERATORS).map(([op, refused]) =>
    sees(
      [
        `seccomp-op-${op.slice(9).toLowerCase().replace('_', '-')}`,
        SECCOMP,
        `${op}: the entry is for arguments that it holds for, and no others`,
        'features-linux-seccomp-02',
      ],
      errno([op === 'SCMP_CMP_MASKED_EQ' ? { index: 2, value: 4, valueTwo: 4, op } : { index: 2, value: 5, op }]),
      tryValues,
      new RegExp(`^${refused.map((n) => `${n}\n`).join('')}end\n$`),
    ),
  ),
  sees(
    ['seccomp-args-all', SECCOMP, 'of several arguments all must hold'],
    errno([
      { index: 0, value: 0, op: 'SCMP_CMP_EQ' },
      { index: 2, value: 4, op: 'SCMP_CMP_GT' },
    ]),
    tryValues,
    /^5\n7\nend\n$/,
  ),
]
