/** Text of what is generated from ops.ts: native/ops.gen.h, and hash.gen.ts. */
import { PREPARED } from '../plan/tags.ts'
import { ARG, CUSTOM, NATIVE, OPS, PROGRAM, REPORT, VERIFY, WIRE } from './ops.ts'

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
${defines('PREPARED', PREPARED)}
${defines('REPORT', REPORT)}
${defines('PROGRAM', PROGRAM)}
${defines('NATIVE', NATIVE)}
${defines('CUSTOM', CUSTOM)}
#endif
`
}

/** FNV-1a over the tables of ops.ts: changes whenever a number or a name does. */
export function tableHash(): number {
  let hash = 0x811c9dc5
  for (const char of JSON.stringify([OPS, ARG, VERIFY, WIRE, REPORT, PROGRAM, NATIVE, CUSTOM, PREPARED])) {
    hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193) >>> 0
  }
  return hash
}

/** The hash as a constant: every call of the program compares it, and working it out takes as long as reading a state. */
export function hashModule(): string {
  return `/** Generated from src/wire/ops.ts by "make generate". Do not edit. */
export const TABLE_HASH = ${tableHash()}
`
}
