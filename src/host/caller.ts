/**
 * What the caller handed to davit and the engine's own start has changed since: native/entry.c notes it before. Without
 * entry.c (Node, or the engine called by itself) there is no note, and nothing is known.
 */

/** How many fds from 3 on the caller had open. */
export function callerFds(): number | undefined {
  const text = process.env.DAVIT_FDS
  return text === undefined ? undefined : Number(text)
}

/** The caller's limit of open files: soft, hard. */
export function callerNofile(): readonly [soft: string, hard: string] | undefined {
  const [soft, hard] = process.env.DAVIT_NOFILE?.split(':') ?? []
  return soft !== undefined && hard !== undefined ? [soft, hard] : undefined
}
