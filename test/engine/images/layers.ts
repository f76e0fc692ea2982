/** Makes layers: a tar each, and for one that others stand on its unpacked root, too. */
import { type SpawnSyncOptions, spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { LAYERS, type LayerName, type LayerRecipe } from './recipes.ts'

const FILES = import.meta.dirname
const MIRROR = process.env.DEBIAN_MIRROR ?? 'http://deb.debian.org/debian'

/** No services in a chroot, no syncing of each file to the disk, nothing to read that no test reads. */
const DEBIAN_SETTINGS: Readonly<Record<string, string>> = {
  '/usr/sbin/policy-rc.d': '#!/bin/sh\nexit 101\n',
  '/etc/dpkg/dpkg.cfg.d/image': ['doc', 'man', 'locale', 'info']
    .map((name) => `path-exclude=/usr/share/${name}/*\n`)
    .join('')
    .concat('force-unsafe-io\n'),
  '/etc/apt/apt.conf.d/image':
    'APT::Install-Recommends "false";\nAcquire::Languages "none";\nDir::Cache::pkgcache "";\n',
  '/etc/postgresql-common/createcluster.conf': 'create_main_cluster = false\n',
}

/** Runs a program that must succeed. */
function run(argv: readonly string[], options: SpawnSyncOptions = {}): void {
  const [file = '', ...args] = argv
  const all: SpawnSyncOptions = { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8', maxBuffer: 64 << 20, ...options }
  const { status, signal, stdout, stderr, error } = spawnSync(file, args, all)
  if (status === 0) return
  throw new Error(`${argv.join(' ')}: ${error?.message ?? signal ?? `exit ${status}`}\n${stdout}${stderr}`)
}

function debootstrap(root: string, work: string): void {
  const release = ['--variant=minbase', 'bookworm', root, MIRROR]
  run(['debootstrap', ...release], { env: { ...process.env, TMPDIR: work } })
  // What a package brings below these is not in the tar; the lists of packages stay for the layers on top.
  run(['sh', '-c', 'rm -rf usr/share/doc/* usr/share/man/* usr/share/locale/* var/cache/apt/*'], { cwd: root })
  for (const [path, text] of Object.entries(DEBIAN_SETTINGS)) {
    mkdirSync(dirname(root + path), { recursive: true })
    writeFileSync(root + path, text, { mode: text.startsWith('#!') ? 0o755 : 0o644 })
  }
}

/** Runs the packages' installation and the script in `below`, so that what they write is alone in `upper`. */
function addTo(below: string, recipe: LayerRecipe, work: string): string {
  const [upper, spare, merged] = ['upper', 'spare', 'merged'].map((name) => join(work, name)) as [
    string,
    string,
    string,
  ]
  for (const path of [upper, spare, merged]) mkdirSync(path)
  run(['mount', '-t', 'overlay', '-o', `lowerdir=${below},upperdir=${upper},workdir=${spare}`, 'overlay', merged])
  try {
    copyFileSync('/etc/resolv.conf', `${merged}/etc/resolv.conf`)
    const inside = (argv: readonly string[]) =>
      run(['chroot', merged, ...argv], {
        cwd: '/',
        env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', DEBIAN_FRONTEND: 'noninteractive' },
      })
    if (recipe.packages) inside(['apt-get', 'install', '-y', '-q', ...recipe.packages])
    for (const [path, file] of Object.entries(recipe.files ?? {})) {
      mkdirSync(dirname(merged + path), { recursive: true })
      copyFileSync(join(FILES, 'files', file), merged + path)
    }
    if (recipe.script) inside(['sh', '-euc', recipe.script])
  } finally {
    run(['umount', merged])
  }
  return upper
}

/** An overlay marks what a layer removes by a device 0:0; an image by an empty file `.wh.NAME`. */
function markRemoved(folder: string): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    const stat = lstatSync(path)
    if (stat.isDirectory()) markRemoved(path)
    if (!stat.isCharacterDevice() || stat.rdev !== 0) continue
    rmSync(path)
    writeFileSync(join(folder, `.wh.${name}`), '')
  }
}

/** Names that no image should have: what the machine that made it is called, what apt remembers. */
const LEFT_OUT = [
  'etc/resolv.conf',
  'etc/hostname',
  'var/lib/apt/lists/*',
  'var/cache/*/*',
  'var/log/*.log',
  'var/log/apt',
  'tmp/*',
]

function pack(root: string, tar: string): void {
  const without = LEFT_OUT.map((pattern) => `--exclude=./${pattern}`)
  const flags = [
    '--numeric-owner',
    '--one-file-system',
    '--sort=name',
    '--anchored',
    '--no-wildcards-match-slash',
    ...without,
  ]
  run(['tar', '-C', root, ...flags, '-cf', `${tar}.tmp`, '.'])
  renameSync(`${tar}.tmp`, tar)
}

/** The tar of a layer, made where it is not there yet; `keyOf` tells the version of each. */
export function layerTar(name: LayerName, keyOf: (name: LayerName) => string, folder: string): string {
  const recipe: LayerRecipe = LAYERS[name]
  const tar = `${folder}/${name}-${keyOf(name)}.tar`
  const root = tar.replace(/\.tar$/, '.root')
  if (existsSync(tar) && (name !== 'debian' || existsSync(root))) return tar
  process.stderr.write(`making the image layer ${name}\n`)
  if (recipe.on) layerTar(recipe.on, keyOf, folder)
  const work = mkdtempSync(`${folder}/.work-`)
  try {
    let made = `${work}/root`
    if (recipe.on) made = addTo(`${folder}/${recipe.on}-${keyOf(recipe.on)}.root`, recipe, work)
    else if (name === 'debian') debootstrap(made, work)
    else {
      mkdirSync(made)
      run(['sh', '-euc', recipe.script ?? ''], { cwd: FILES, env: { ...process.env, root: made } })
    }
    markRemoved(made)
    if (name === 'debian') {
      rmSync(root, { recursive: true, force: true })
      renameSync(made, root)
      made = root
    }
    pack(made, tar)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  if (statSync(tar).size === 0) throw new Error(`${tar} is empty`)
  return tar
}
