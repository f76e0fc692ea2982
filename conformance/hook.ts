/** Hooks that cases give to a container. */
import type { Bundle, Hook } from './bundle.ts'

/**
 * A hook that runs a script: the host's shell, or for startContainer the container's. It reads the state in any case: a
 * runtime that dies of SIGPIPE when a hook does not (crun 1.8.1) would fail at random.
 */
export const hook = (script: string): Hook => ({
  path: '/bin/sh',
  args: ['sh', '-c', script.startsWith('cat ') ? script : `cat >/dev/null; ${script}`],
})

/** The root as hooks of this stage see it: only startContainer hooks are inside. */
export const rootOf = (stage: string, bundle: Bundle) => (stage === 'startContainer' ? '' : bundle.rootfs)

/** Gives a bundle these hooks. */
export function setHooks(bundle: Bundle, hooks: Record<string, Hook[]>): void {
  bundle.configure((config) => {
    config.hooks = hooks
  })
}

/** Those that create calls. */
export const ON_CREATE = ['prestart', 'createRuntime', 'createContainer']
