/** The parent's steps for mounts that the child cannot make: in create and in `mounts add`. */
import type { HostStep } from '../plan/step.ts'
import { giveMount } from './give_mount.ts'
import { idmapMount } from './idmap.ts'
import type { Launching } from './launching.ts'

export type MountStep = Extract<HostStep, { kind: 'give' | 'idmap' }>

/** Makes a mount, or maps its ids, for the child that waits for it. */
export function runMountStep(launching: Launching, step: MountStep): void {
  if (step.kind === 'give') giveMount(launching, step)
  else idmapMount(launching, step)
}
