/** The images of the engine tests as archives that `docker load`, `podman load` and `ctr images import` take. */
import { mkdirSync } from 'node:fs'
import { output } from '../../support/exec.ts'
import { repositoryPath } from '../../support/place.ts'
import type { ImageName } from '../images/recipes.ts'

const made = new Map<ImageName, Promise<string>>()

async function build(name: ImageName): Promise<string> {
  mkdirSync(repositoryPath('build/engine'), { recursive: true })
  const command = [repositoryPath('node_modules/bun/bin/bun.exe'), repositoryPath('test/engine/images/build.ts'), name]
  const printed = await output('flock', [repositoryPath('build/engine/lock'), ...command], { timeout: 300_000 })
  return printed.trimEnd()
}

/** The path of an image's archive; made when it is not there yet, which takes up to a minute for the first. */
export function image(name: ImageName): Promise<string> {
  const path = made.get(name) ?? build(name)
  made.set(name, path)
  return path
}
