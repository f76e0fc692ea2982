/** The folders that criu works in: the image, and one for its log. Each is opened once, and criu gets the fd. */
import { messageOf, RuntimeError } from '../base/errors.ts'
import { absolutePath } from '../base/path.ts'
import { closeFd, makeDir, openFile, readFd, statIf, withFd, writeFd } from '../ffi/file.ts'
import { checkRegular, openRegular } from '../host/criu/files.ts'
import {
  AT_SYMLINK_NOFOLLOW,
  O_CREAT,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  O_TRUNC,
  O_WRONLY,
  S_IFDIR,
  S_IFMT,
} from '../kernel/files.ts'
import type { Runtime } from './runtime.ts'

export interface CriuFolders {
  readonly image: number
  /** The same as `image` unless another one was asked for. */
  readonly work: number
  /** Absolute path of the work folder, for messages. */
  readonly workPath: string
}

export interface FolderOptions {
  /** Default: "checkpoint" in the current directory. */
  readonly imagePath?: string
  readonly workPath?: string
}

/** Opens both; `make`: an image that is not there is made. Closed by {@link closeFolders}. */
export function openFolders({ cwd }: Runtime, { imagePath, workPath }: FolderOptions, make: boolean): CriuFolders {
  const path = absolutePath(imagePath || 'checkpoint', cwd)
  const image = openFolder('image', path, make)
  try {
    if (!workPath) return { image, work: image, workPath: path }
    const work = absolutePath(workPath, cwd)
    return { image, work: openFolder('work', work, true), workPath: work }
  } catch (error) {
    closeFd(image)
    throw error
  }
}

/**
 * The work folder as it is in another mount namespace, the one that the caller is in now: criu mounts things in it, which
 * the kernel allows only in criu's own. The fd is the caller's.
 */
export function workHere({ work, workPath }: CriuFolders): number {
  const [there, here] = [statIf('', work), openFolder('work', workPath, false)]
  const found = statIf('', here)
  if (found?.inode === there?.inode && found?.dev.join() === there?.dev.join()) return here
  closeFd(here)
  throw new RuntimeError('criu', `work directory: "${workPath}" has been replaced`)
}

/** Refuses what criu would wait for in the place of its log. */
export function checkLog({ work }: CriuFolders, log: string): void {
  checkRegular(work, log)
}

export function closeFolders({ image, work }: CriuFolders): void {
  if (work !== image) closeFd(work)
  closeFd(image)
}

/** SAFETY: an image has all of the container's memory in it. */
function openFolder(what: string, path: string, make: boolean): number {
  try {
    const made = make && makeDir(path, 0o700)
    return openFile(path, O_RDONLY | O_DIRECTORY | (made ? O_NOFOLLOW : 0))
  } catch (error) {
    throw new RuntimeError('criu', `${what} directory: ${messageOf(error)}`)
  }
}

/** Refuses a parent image that is not where criu will look for it. */
export function checkParent({ image }: CriuFolders, parent: string): void {
  if (parent.startsWith('/')) throw new RuntimeError('usage', '--parent-path must be relative to the image directory')
  const status = statIf(parent, image)
  if ((status ? status.mode & S_IFMT : 0) !== S_IFDIR)
    throw new RuntimeError('criu', `parent image "${parent}": no such directory beside the image`)
}

/** Writes a file of the image that criu does not know. */
export function writeImageFile({ image }: CriuFolders, name: string, text: string): void {
  withFd(openRegular(image, name, O_WRONLY | O_CREAT | O_TRUNC, 0o600), (fd) => writeFd(fd, text, `"${name}"`))
}

const LARGEST = 65536

/** Reads such a file; undefined when it is not there. */
export function readImageFile({ image }: CriuFolders, name: string): string | undefined {
  if (!statIf(name, image, AT_SYMLINK_NOFOLLOW)) return undefined
  return withFd(openRegular(image, name, O_RDONLY), (fd) => readFd(fd, `"${name}"`, LARGEST).toString('utf8'))
}
