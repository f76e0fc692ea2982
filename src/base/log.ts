/** What the lower layers need of a logger; src/cli/log.ts makes one. */
export interface Log {
  debug(message: string): void
  info(message: string): void
  warning(message: string): void
}
