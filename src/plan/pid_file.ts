/** The pid file of a container, or of a process in one. */
import type { HostStep } from './step.ts'

/** The parent's step that writes it; `path` is absolute. */
export function pidFileStep(path: string): HostStep {
  return { kind: 'pidFile', path, origin: { doing: `write pid file "${path}"` } }
}
