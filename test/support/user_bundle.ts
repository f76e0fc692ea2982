/** Bundles of an ordinary user. */
import { chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { bundle, type Config } from './bundle.ts'
import type { ExecOptions } from './exec.ts'
import { type OrdinaryUser, ordinaryUser } from './ordinary_user.ts'
import { atEnd, scratch } from './scratch.ts'

/** A bundle of an ordinary user's own, with the config.json that `spec --rootless` writes for it. */
export async function userBundle(change: (config: Config, user: OrdinaryUser) => void) {
  const made = await bundle(() => {})
  const user = await ordinaryUser(scratch())
  atEnd(user.remove)
  const path = `${scratch()}/own`
  mkdirSync(path)
  chownSync(path, user.uid, user.gid)
  const { stderr } = await user.exec(user.runtime, ['spec', '--rootless', '--bundle', path])
  if (stderr !== '') throw new Error(`davit spec: ${stderr}`)
  const config = JSON.parse(readFileSync(`${path}/config.json`, 'utf8')) as Config
  config.process.terminal = false
  config.root.path = made.rootfs
  change(config, user)
  writeFileSync(`${path}/config.json`, JSON.stringify(config))
  const davit = (args: readonly string[], options: ExecOptions = {}) => user.exec(user.runtime, args, options)
  const run = () => davit(['run', '--bundle', path, made.id])
  const root = `${user.runtimeDir}/davit`
  return { id: made.id, path, user, davit, run, root }
}

/** The caller's id as root, and all that it was granted above. */
export function wholeMaps(config: Config, user: OrdinaryUser): void {
  const map = (own: number, { start, count }: { start: number; count: number }) => [
    { containerID: 0, hostID: own, size: 1 },
    { containerID: 1, hostID: start, size: count },
  ]
  config.linux.uidMappings = map(user.uid, user.uids)
  config.linux.gidMappings = map(user.gid, user.gids)
}
