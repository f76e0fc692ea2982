/** The guest's root file system as a disk, and its kernels. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { SUITE, sources } from './archive.ts'
import { cached } from './cache.ts'
import { HERE, run } from './host.ts'
import { unpackKernel } from './kernel.ts'
import { QUIET } from './qemu.ts'

const GUEST = `${HERE}/guest`

/** Room beyond what the files need; the disk is sparse. */
const FREE_MIB = 2000

/** The folder with root.ext4 and a vmlinux-RELEASE for each kernel. */
export function guestImage(): string {
  const files = [
    ...readdirSync(GUEST)
      .sort()
      .map((name) => `${GUEST}/${name}`),
    `${HERE}/image.ts`,
  ]
  return cached('guest', [SUITE, ...files.map((file) => readFileSync(file, 'utf8'))], build)
}

function packages(): string {
  const text = readFileSync(`${GUEST}/packages`, 'utf8').replace(/#.*/g, '')
  return text.trim().split(/\s+/).join(',')
}

function build(folder: string): void {
  mkdirSync(folder)
  const root = `${folder}/root`
  const options = ['--mode=root', '--variant=minbase', ...QUIET, `--include=${packages()}`]
  const hook = `--customize-hook=${GUEST}/customize "$1" ${GUEST}`
  // It mounts in its tree what packages want to see: where nobody else sees it, and nothing can be left behind.
  const apart = ['--mount', '--propagation', 'private', 'mmdebstrap', ...options, hook, SUITE, root, '-']
  run('unshare', apart, sources())
  for (const release of readdirSync(`${root}/usr/lib/modules`)) {
    // Debian has it beside the modules since 7.
    const places = [`${root}/usr/lib/modules/${release}/vmlinuz`, `${root}/boot/vmlinuz-${release}`]
    const image = places.find((path) => existsSync(path))
    if (image) unpackKernel(image, `${folder}/vmlinux-${release}`)
  }
  makeDisk(root, `${folder}/root.ext4`, FREE_MIB)
  rmSync(root, { recursive: true })
}

/** A file system with the contents of a folder, as a file; without mounting anything. */
export function makeDisk(folder: string, file: string, free: number): void {
  const mib = Number.parseInt(run('du', ['-sm', '--apparent-size', folder]), 10) + free
  const features = 'lazy_itable_init=1,lazy_journal_init=1,root_owner=0:0'
  run('mke2fs', ['-q', '-t', 'ext4', '-m', '0', '-E', features, '-d', folder, file, `${mib}M`])
}
