/** An image as `docker save` writes it: a tar with manifest.json, the configuration, and a folder with each layer. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { linkSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import type { ImageConfig } from './recipes.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

/** The digest of a file, taken by the program, as it is quicker with large ones. */
function digest(path: string): string {
  const { status, stdout, stderr } = spawnSync('sha256sum', [path], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`sha256sum ${path}: ${stderr}`)
  return stdout.slice(0, 64)
}

/** Writes the archive of an image. `layers` are tars in the order in which they are stacked. */
export function writeArchive(path: string, name: string, config: ImageConfig, layers: readonly string[]): void {
  const work = mkdtempSync(`${path}.work-`)
  try {
    const digests = layers.map(digest)
    const created = '2026-01-01T00:00:00Z'
    const text = JSON.stringify({
      architecture: { x64: 'amd64' }[process.arch as string] ?? process.arch,
      os: 'linux',
      created,
      config,
      rootfs: { type: 'layers', diff_ids: digests.map((each) => `sha256:${each}`) },
      history: digests.map(() => ({ created, created_by: 'the engine tests of davit' })),
    })
    const configFile = `${sha256(text)}.json`
    const places = digests.map((each) => `${each}/layer.tar`)
    writeFileSync(`${work}/${configFile}`, text)
    writeFileSync(`${work}/manifest.json`, JSON.stringify([{ Config: configFile, RepoTags: [name], Layers: places }]))
    digests.forEach((each, i) => {
      mkdirSync(`${work}/${each}`)
      linkSync(layers[i] as string, `${work}/${each}/layer.tar`)
    })
    const tar = ['--owner=0', '--group=0', '-C', work, '-cf', `${path}.tmp`, 'manifest.json', configFile, ...places]
    const { status, stderr } = spawnSync('tar', tar, { encoding: 'utf8' })
    if (status !== 0) throw new Error(`tar ${tar.join(' ')}: ${stderr}`)
    renameSync(`${path}.tmp`, path)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}
