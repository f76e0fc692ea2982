/** System calls by number in a container under a seccomp profile (caller.c). */
import { copyFileSync } from 'node:fs'
import type { Seccomp } from '../../src/spec/types.gen.ts'
import { type Bundle, bundle, type Config, run } from './bundle.ts'
import { compiled } from './compiled.ts'

/** A bundle with /bin/caller and a shell, its profile and what else is changed. */
export async function filtered(
  seccomp: Seccomp | undefined,
  change: readonly string[] | ((config: Config) => void),
): Promise<Bundle> {
  const caller = await compiled('caller')
  const made = await bundle(
    (config) => {
      config.root.readonly = false
      if (seccomp) Object.assign(config.linux, { seccomp })
      if (typeof change === 'function') change(config)
      else config.process.args = ['/bin/caller', ...change]
    },
    { applets: ['sh', 'cat', 'grep', 'mkdir', 'sleep', 'true'] },
  )
  copyFileSync(caller, `${made.rootfs}/bin/caller`)
  return made
}

/** What the calls return under the profile, in order; the container must end with 0. */
export async function results(
  seccomp: Seccomp | undefined,
  calls: readonly string[],
  change: (config: Config) => void = () => {},
): Promise<number[]> {
  const made = await filtered(seccomp, (config) => {
    config.process.args = ['/bin/caller', ...calls]
    change(config)
  })
  const { code, stdout, stderr } = await run(made)
  if (code !== 0 || stderr !== '') throw new Error(`exit ${code}: ${stderr}${stdout}`)
  return stdout
    .trim()
    .split('\n')
    .map((line) => Number(line.split(' ')[1]))
}
