import { describe, expect, test } from 'vitest'
import { hintIn } from '../../../src/host/mount_access.ts'

const line = (mount: string, type: string, options: string) =>
  `30 25 0:26 / ${mount} rw shared:7 - ${type} x ${options}\n`
const fuse = (mount: string, more = '') => line(mount, 'fuse.sshfs', `rw,user_id=1000,group_id=1000${more}`)
const ROOT = line('/', 'ext4', 'rw')

const ALONE =
  ' (the FUSE mount "/home/u/remote" is for user 1000 alone: mount it with allow_other, or make that user root of a user namespace)'

describe('why root has no access to', () => {
  test.each([
    ["a folder of a user's FUSE", ROOT + fuse('/home/u/remote'), '/home/u/remote/a/b', ALONE],
    ['the mount itself', ROOT + fuse('/home/u/remote'), '/home/u/remote', ALONE],
    ['one that all may use', ROOT + fuse('/home/u/remote', ',allow_other'), '/home/u/remote/a', ''],
    ['a name that only begins so', ROOT + fuse('/home/u/remote'), '/home/u/remotely', ''],
    [
      'what is mounted on it',
      ROOT + fuse('/home/u/remote') + line('/home/u/remote/a', 'ext4', 'rw'),
      '/home/u/remote/a/b',
      '',
    ],
    ['what is mounted over it', fuse('/m') + line('/m', 'tmpfs', 'rw'), '/m/a', ''],
    ['another file system', ROOT, '/home/u', ''],
    ['fusectl', line('/c', 'fusectl', 'rw,user_id=1'), '/c/x', ''],
    ['nothing at all', '', '/a', ''],
  ])('%s', (_, mountinfo, path, words) => {
    expect(hintIn(mountinfo, path)).toBe(words)
  })

  test('NFS', () => {
    expect(hintIn(ROOT + line('/srv/a\\040b', 'nfs4', 'rw,vers=4.2'), '/srv/a b/c')).toBe(
      ' ("/srv/a b" is NFS, where root may be nobody: export it with no_root_squash, or make the owner root of a user namespace)',
    )
  })
})
