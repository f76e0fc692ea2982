/** A server of NFS on this machine, and mounts of what it exports. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { exec, output, type Running, start } from './exec.ts'
import { commandPath, type Need } from './requires.ts'
import { atEnd, scratch } from './scratch.ts'
import { until } from './wait.ts'

const CONTROL = '/proc/fs/nfsd'

/** Only where the machine is the tests' own: a server that is there already is none of theirs. */
export const NFS: Need = {
  name: 'the modules nfsd and nfs, nfs-kernel-server, and ALONE=1',
  optional: true,
  met: () => process.env.ALONE === '1' && existsSync(CONTROL) && commandPath('rpc.nfsd') !== undefined,
}

/** Starts it; what ends it. For NFS 4 alone, which needs no other services. */
export async function nfsServer(): Promise<() => Promise<void>> {
  await output('mount', ['-t', 'nfsd', 'nfsd', CONTROL])
  // Seconds in which nothing is opened, for clients of a server that was there before.
  for (const name of ['nfsv4gracetime', 'nfsv4leasetime']) writeFileSync(`${CONTROL}/${name}`, '10')
  const mountd: Running = start('rpc.mountd', ['--foreground', '--no-nfs-version', '3'])
  await output('rpc.nfsd', ['--no-nfs-version', '3', '2'])
  await until('the server', () => existsSync(`${CONTROL}/v4_end_grace`))
  writeFileSync(`${CONTROL}/v4_end_grace`, 'Y')
  return async () => {
    await output('rpc.nfsd', ['0'])
    mountd.child.kill('SIGTERM')
    await mountd.done
    await output('umount', [CONTROL])
  }
}

export interface Export {
  /** The folder as the server has it. */
  readonly server: string
  /** The same as a client. */
  readonly client: string
}

let exported = 0

/** A new folder, exported to this machine and mounted until the test ends: by then nothing else may have the mount. */
export async function nfs(
  squash: 'root_squash' | 'no_root_squash',
  fill: (server: string) => Promise<void>,
): Promise<Export> {
  const name = `nfs-${++exported}`
  const [server, client] = [`${scratch()}/${name}-server`, `${scratch()}/${name}`]
  mkdirSync(server)
  mkdirSync(client)
  await fill(server)
  const to = `localhost:${server}`
  await output('exportfs', ['-o', `rw,${squash},no_subtree_check,insecure,fsid=${exported}`, to])
  atEnd(async () => void (await output('exportfs', ['-u', to])))
  // No caches: the tests look from both sides.
  await output('mount', ['-t', 'nfs4', '-o', 'vers=4.2,soft,actimeo=0,lookupcache=none', to, client])
  atEnd(async () => {
    const { code, stderr } = await exec('umount', [client])
    if (code === 0) return
    await exec('umount', ['-f', '-l', client])
    throw new Error(`something still has ${client}: ${stderr}`)
  })
  return { server, client }
}
