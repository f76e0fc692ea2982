/**
 * `bun test/engine/images/build.ts [NAME...]`: makes images (all, when none is named) as archives in build/engine and
 * prints their paths. What is there already is not made again, unless its recipe has changed. Runs alone, under a lock.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { writeArchive } from './archive.ts'
import { layerTar } from './layers.ts'
import { IMAGES, type ImageName, type ImageRecipe, LAYERS, type LayerName, type LayerRecipe } from './recipes.ts'

const FOLDER = resolve(import.meta.dirname, '../../../build/engine')

const sources = (names: readonly string[]) => names.map((name) => readFileSync(join(import.meta.dirname, name), 'utf8'))

/** Changes with everything that goes into a layer. */
function keyOf(name: LayerName): string {
  const recipe: LayerRecipe = LAYERS[name]
  const files = Object.values(recipe.files ?? {}).map((file) => `files/${file}`)
  const made = sources(['layers.ts', ...files, ...(name === 'pause' ? ['files/pause.c'] : [])])
  const parts = [JSON.stringify(recipe), ...made, recipe.on ? keyOf(recipe.on) : '']
  return createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 12)
}

function build(name: ImageName): string {
  const { layers, config }: ImageRecipe = IMAGES[name]
  const parts = [name, JSON.stringify(config), ...sources(['archive.ts']), ...layers.map(keyOf)]
  const key = createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 12)
  const path = `${FOLDER}/${name.replace(':', '-')}-${key}.tar`
  if (existsSync(path)) return path
  const tars = layers.map((layer) => layerTar(layer, keyOf, FOLDER))
  process.stderr.write(`making the image ${name}\n`)
  writeArchive(path, name, config, tars)
  removeOthers(name.replace(':', '-'), [key])
  for (const layer of layers) removeOthers(layer, [keyOf(layer)])
  return path
}

/** Removes earlier versions. */
function removeOthers(stem: string, keys: readonly string[]): void {
  const version = new RegExp(`^${stem}-([0-9a-f]{12})\\.(tar|root)$`)
  for (const file of readdirSync(FOLDER)) {
    const key = version.exec(file)?.[1]
    if (key !== undefined && !keys.includes(key)) rmSync(join(FOLDER, file), { recursive: true, force: true })
  }
}

mkdirSync(FOLDER, { recursive: true })
const names = process.argv.slice(2)
const unknown = names.filter((name) => !Object.hasOwn(IMAGES, name))
if (unknown.length > 0)
  throw new Error(`no such image: ${unknown.join(' ')}; there are ${Object.keys(IMAGES).join(' ')}`)
for (const name of names.length > 0 ? names : Object.keys(IMAGES)) console.log(build(name as ImageName))
