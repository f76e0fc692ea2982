/**
 * What a service manager hands on through the runtime: sockets that it has opened (sd_listen_fds(3)), and a socket to
 * say on that the service is ready (sd_notify(3)). The container's process gets both as if it were the service.
 */
import { RuntimeError } from '../base/errors.ts'
import type { Spec } from '../spec/types.gen.ts'
import { namespace } from './context.ts'

/** runc's and crun's place of the notify socket in the container. */
export const NOTIFY_FOLDER = '/run/notify'
/** The folder of the state directory that is mounted there. */
export const NOTIFY_STATE = 'notify'
/** Its name there, and in the state directory's folder that is mounted there. */
export const NOTIFY_NAME = 'notify.sock'

export interface Activation {
  readonly listen?: { readonly count: number; readonly names?: string } | undefined
  readonly notify: boolean
}

/** The environment for the container's process; nothing when there is nothing to hand on. */
export function activationEnv({ listen, notify }: Activation): string[] {
  const { count, names } = listen ?? {}
  return [
    ...(notify ? [`NOTIFY_SOCKET=${NOTIFY_FOLDER}/${NOTIFY_NAME}`] : []),
    // Its pid in the host's namespace is nothing to a process that has a namespace of its own: there it is 1, as with runc.
    ...(count === undefined ? [] : [`LISTEN_FDS=${count}`, 'LISTEN_PID=1']),
    ...(names === undefined ? [] : [`LISTEN_FDNAMES=${names}`]),
  ]
}

/**
 * The configuration with that environment, which replaces what it says under the same names. Throws 'unsupported' when
 * the container cannot have a notify socket.
 */
export function withActivation(spec: Spec, activation: Activation): Spec {
  if (activation.notify && namespace(spec, 'mount') === undefined) {
    throw new RuntimeError('unsupported', 'NOTIFY_SOCKET is set: a notify socket needs a mount namespace')
  }
  const added = activationEnv(activation)
  const { process: configured } = spec
  if (added.length === 0 || !configured) return spec
  const names = added.map((entry) => entry.slice(0, entry.indexOf('=') + 1))
  const kept = (configured.env ?? []).filter((entry) => !names.some((name) => entry.startsWith(name)))
  return { ...spec, process: { ...configured, env: [...kept, ...added] } }
}
