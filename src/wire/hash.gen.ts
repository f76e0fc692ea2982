/** Generated from src/wire/ops.ts by "make generate". Do not edit. */
export const TABLE_HASH = 3305931507
