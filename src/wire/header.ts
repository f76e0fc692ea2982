/** Text of native/ops.gen.h. */
import { ARG, CUSTOM, NATIVE, OPS, PROGRAM, REPORT, tableHash, VERIFY, WIRE } from './ops.ts'

function defines(prefix: string, table: Readonly<Record<string, number>>): string {
  return Object.entries(table)
    .map(([name, value]) => `#define ${prefix}_${name.replace(/[A-Z]/g, (c) => `_${c}`).toUpperCase()} ${value}u\n`)
    .join('')
}

/** The C header with every number of ops.ts. */
export function cHeader(): string {
  return `/* Generated from src/wire/ops.ts by "make generate". Do not edit. */
#ifndef DAVIT_OPS_GEN_H
#define DAVIT_OPS_GEN_H
#define DAVIT_TABLE_HASH ${tableHash()}u

${defines('OP', OPS)}
${defines('ARG', ARG)}
${defines('VERIFY', VERIFY)}
${defines('WIRE', WIRE)}
${defines('REPORT', REPORT)}
${defines('PROGRAM', PROGRAM)}
${defines('NATIVE', NATIVE)}
${defines('CUSTOM', CUSTOM)}
#endif
`
}
