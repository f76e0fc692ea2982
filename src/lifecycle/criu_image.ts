/**
 * The image for processes of a user namespace, who read it themselves when they are made anew. It is root's alone, since
 * it has all of their memory in it: nothing of that is changed, but criu gets a mount of it, attached nowhere, in which
 * root's files belong to the root of the container.
 */
import { SysError } from '../base/errors.ts'
import { baseName } from '../base/path.ts'
import { closeFd, openAt, readLink, statIf, withFd } from '../ffi/file.ts'
import { cstring, must, sys } from '../ffi/native.ts'
import { AT_EMPTY_PATH, O_DIRECTORY, O_NOFOLLOW, O_RDONLY } from '../kernel/files.ts'
import { OPEN_TREE_CLOEXEC, OPEN_TREE_CLONE } from '../kernel/mount.ts'
import { namespace } from '../plan/context.ts'
import { idMapText } from '../plan/user_namespace.ts'
import type { Spec } from '../spec/types.gen.ts'
import { openNamespace, setIdmap } from './idmap.ts'

const FOLDER = O_RDONLY | O_DIRECTORY | O_NOFOLLOW

/**
 * Another fd of the image's folder `image`. Undefined when nothing has to be done, or cannot be, as on a file system whose
 * ids cannot be mapped: then criu tells what it may not read.
 */
export function mappedImage(spec: Spec, image: number, arch: 'x64' | 'arm64'): number | undefined {
  if (namespace(spec, 'user') !== 'new') return undefined
  const { uidMappings = [], gidMappings = [] } = spec.linux ?? {}
  const map = { uidMap: idMapText(uidMappings), gidMap: idMapText(gidMappings) }
  try {
    return withFd(openNamespace(map, arch), (user) => inFolderAbove(image, user) ?? alone(image, user))
  } catch (error) {
    if (error instanceof SysError) return undefined
    throw error
  }
}

/** A parent image is named from the image, mostly beside it: there it has to be in the same mount. */
function inFolderAbove(image: number, user: number): number | undefined {
  const name = baseName(readLink(`/proc/self/fd/${image}`))
  return withFd(mapped(image, '..', user), (above) => {
    const [there, here] = [statIf('', image), statIf(name, above)]
    const same = there?.inode === here?.inode && there?.dev.join() === here?.dev.join()
    return same ? openAt(above, name, FOLDER) : undefined
  })
}

function alone(image: number, user: number): number {
  return withFd(mapped(image, '', user), (folder) => openAt(folder, '.', FOLDER))
}

/** A copy of the mount that a folder is on, from there on. */
function mapped(folder: number, path: string, user: number): number {
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH
  const mount = must('open_tree', sys('open_tree', folder, cstring(path), flags))
  try {
    setIdmap(mount, user, false)
    return mount
  } catch (error) {
    closeFd(mount)
    throw error
  }
}
