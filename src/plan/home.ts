/** The home directory of a container's first process, which is told of it before there is a container. */
import { absolutePath, cleanPath, isWithin } from '../base/path.ts'
import type { Mount, Spec } from '../spec/types.gen.ts'
import { lacksHome, withHome } from './accounts.ts'

const PASSWD = '/etc/passwd'

/** A file on the host: `inner` below the directory `base`, with links that stay in it, or `base` itself when empty. */
export interface HostFile {
  readonly base: string
  readonly inner: string
}

/**
 * Where what will be the container's /etc/passwd is now: in the rootfs, or in the source of the last mount that covers
 * it (rootless Podman binds one of its own there). Undefined where a new file system covers it.
 */
export function passwdPlace({ mounts = [] }: Spec, rootfs: string, bundle: string): HostFile | undefined {
  let mount: Mount | undefined
  for (const entry of mounts) if (covers(entry)) mount = entry
  if (!mount) return { base: rootfs, inner: PASSWD }
  if (!isBind(mount)) return undefined
  const destination = cleanPath(`/${mount.destination}`)
  return {
    base: absolutePath(mount.source ?? '', bundle),
    inner: destination === '/' ? PASSWD : PASSWD.slice(destination.length),
  }
}

/** A tmpfs that begins with what it covers hides nothing, nor does a mount that is there already. */
function covers({ destination, options = [] }: Mount): boolean {
  const hides = !options.includes('tmpcopyup') && !options.includes('remount')
  return isWithin(PASSWD, `/${destination}`) && hides
}

function isBind({ type, options = [] }: Mount): boolean {
  return type === 'bind' || options.includes('bind') || options.includes('rbind')
}

/** The configuration with HOME in the environment of its process, as all runtimes set it; `read` looks at a file. */
export function withHomeOf(
  spec: Spec,
  rootfs: string,
  bundle: string,
  read: (file: HostFile) => string | undefined,
): Spec {
  if (!spec.process) return spec
  const { env = [], user } = spec.process
  if (!lacksHome(env)) return spec
  const place = passwdPlace(spec, rootfs, bundle)
  return { ...spec, process: { ...spec.process, env: withHome(env, user?.uid ?? 0, () => place && read(place)) } }
}
