/** Why even root may have no access to a file: what the mount that it is on has to say to that. */
import { SysError } from '../base/errors.ts'
import { isWithin } from '../base/path.ts'
import { readText } from '../ffi/file.ts'
import { unescapeOctal } from './cgroup/parse.ts'

/** For the end of an error about the path, which is an absolute one: what can be done, or ''. Never throws. */
export function accessHint(path: string): string {
  try {
    return hintIn(readText('/proc/self/mountinfo'), path)
  } catch (error) {
    if (error instanceof SysError) return ''
    throw error
  }
}

/** The same by the text of a mountinfo file (proc_pid_mountinfo(5)). */
export function hintIn(mountinfo: string, path: string): string {
  let [deepest, words] = ['', '']
  for (const line of mountinfo.split('\n')) {
    const dash = line.indexOf(' - ')
    const mount = unescapeOctal(line.slice(0, dash).split(' ')[4] ?? '')
    // The last of a place is the one on top.
    if (dash < 0 || mount.length < deepest.length || !isWithin(path, mount)) continue
    const [type = '', , options = ''] = line.slice(dash + 3).split(' ')
    deepest = mount
    words = hint(mount, type, options.split(','))
  }
  return words
}

function hint(mount: string, type: string, options: readonly string[]): string {
  if (type.startsWith('nfs')) {
    return ` ("${mount}" is NFS, where root may be nobody: export it with no_root_squash, or make the owner root of a user namespace)`
  }
  const user = options.find((option) => option.startsWith('user_id='))?.slice('user_id='.length)
  if (!/^fuse(blk)?(\.|$)/.test(type) || user === undefined || options.includes('allow_other')) return ''
  return ` (the FUSE mount "${mount}" is for user ${user} alone: mount it with allow_other, or make that user root of a user namespace)`
}
