/** A root file system with all of an operating system: this machine's own files, seen through an overlay. */
import { chownSync, mkdirSync, rmSync } from 'node:fs'
import { output } from './exec.ts'
import { atEnd } from './scratch.ts'

/** Puts it on `rootfs`, until the end of the test; in the files of a container whose root is the host's `owner`. */
export async function mountSystem(rootfs: string, owner = 0): Promise<void> {
  const place = `${rootfs}.system`
  const [lower, upper, work] = ['lower', 'upper', 'work'].map((name) => `${place}/${name}`) as [string, string, string]
  for (const dir of [rootfs, lower, upper, work]) mkdirSync(dir, { recursive: true })
  chownSync(upper, owner, owner)
  // Without what is mounted below it.
  const shift = owner === 0 ? [] : ['-o', `X-mount.idmap=b:0:${owner}:65536`]
  await output('mount', ['--bind', '--make-private', ...shift, '/', lower])
  atEnd(async () => {
    await output('umount', [lower])
    rmSync(place, { recursive: true })
  })
  const options = `lowerdir=${lower},upperdir=${upper},workdir=${work}`
  await output('mount', ['-t', 'overlay', '-o', options, 'overlay', rootfs])
  atEnd(async () => void (await output('umount', [rootfs])))
}
