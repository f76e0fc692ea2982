/**
 * The annotations that davit acts on: crun's, see its manual, where users and engines rely on them. All others are only
 * passed on.
 */
import type { Spec } from './types.gen.ts'

type Annotated = Pick<Spec, 'annotations'>

export const ANNOTATION = {
  pidfdReceiver: 'run.oci.pidfd_receiver',
  /** Files of the host that hooks print to, relative ones below the bundle. */
  hooksStdout: 'run.oci.hooks.stdout',
  hooksStderr: 'run.oci.hooks.stderr',
} as const

/** Its value; undefined when it is missing or empty. */
export function annotation({ annotations }: Annotated, name: string): string | undefined {
  return annotations?.[name] || undefined
}

/** All of {@link ANNOTATION}. */
export function actedOn(): string[] {
  return Object.values(ANNOTATION).sort()
}
