/** The guest's root file system as a disk, and its kernels. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { SUITE, sources } from './archive.ts'
import { cached } from './cache.ts'
import { HERE, run } from './host.ts'
import { unpackKernel } from './kernel.ts'
import { QUIET } from './qemu.ts'

const GUEST = `${HERE}/guest`

/** What a guest has beside what any guest has; a folder each. */
export type ImageKind = 'guest' | 'engines' | 'selinux'

/** Room beyond what the files need; the disk is sparse. */
const FREE_MIB = 2000

/**
 * The folder with root.ext4 and a vmlinux-RELEASE for each kernel. That of `engines` has Docker, containerd and Podman,
 * that of `selinux` a policy and labels: no other test needs them, and the image takes longer to make.
 */
export function guestImage(kind: ImageKind): string {
  const folders = kind === 'guest' ? [GUEST] : [GUEST, `${HERE}/${kind}`]
  const files = folders.flatMap((folder) => filesOf(folder)).concat(`${HERE}/image.ts`)
  const recipe = [SUITE, ...files.map((file) => readFileSync(file, 'utf8'))]
  return cached(kind, recipe, (folder) => build(folder, folders))
}

const filesOf = (folder: string) =>
  readdirSync(folder)
    .sort()
    .map((name) => `${folder}/${name}`)

/** The words of a file in which # begins a comment. */
const words = (path: string) => readFileSync(path, 'utf8').replace(/#.*/g, '').trim().split(/\s+/)

function build(folder: string, folders: readonly string[]): void {
  mkdirSync(folder)
  const packages = folders.flatMap((each) => words(`${each}/packages`)).join(',')
  const root = `${folder}/root`
  const options = ['--mode=root', '--variant=minbase', ...QUIET, `--include=${packages}`]
  const hook = `--customize-hook=${GUEST}/customize "$1" ${folders.join(' ')}`
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
