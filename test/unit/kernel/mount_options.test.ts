import { describe, expect, test } from 'vitest'
import { ATTR, MS_PRIVATE, MS_SHARED, MS_SLAVE, MS_UNBINDABLE } from '../../../src/kernel/mount.ts'
import { knownMountOptions, parseMountOptions } from '../../../src/kernel/mount_options.ts'

const NOTHING = {
  set: 0,
  clear: 0,
  recursiveSet: 0,
  recursiveClear: 0,
  propagation: [],
  bind: undefined,
  remount: undefined,
  copyUp: false,
  copySymlink: false,
  sourceNoFollow: false,
  targetNoFollow: false,
  idmap: undefined,
  data: [],
  withoutEffect: [],
}
const { rdonly, nosuid, nodev, noexec, noatime, strictatime, atimeMask } = ATTR

test.each([
  ['', {}],
  ['ro', { set: rdonly }],
  ['rw', { clear: rdonly }],
  ['nosuid nodev noexec', { set: nosuid | nodev | noexec }],
  ['ro rw', { clear: rdonly }],
  ['rw ro', { set: rdonly }],
  ['noatime', { set: noatime, clear: atimeMask }],
  ['noatime strictatime', { set: strictatime, clear: atimeMask }],
  // As mount(2) has it: strictatime before noatime before relatime, in whatever order they stand.
  ['strictatime noatime', { set: strictatime, clear: atimeMask }],
  ['strictatime relatime', { set: strictatime, clear: atimeMask }],
  ['noatime relatime', { set: noatime, clear: atimeMask }],
  ['relatime noatime', { set: noatime, clear: atimeMask }],
  ['rnoatime rrelatime', { recursiveSet: noatime, recursiveClear: atimeMask }],
  ['noatime rrelatime', { set: noatime, clear: atimeMask, recursiveClear: atimeMask }],
  // What takes back takes back its own.
  ['relatime norelatime', { set: strictatime, clear: atimeMask }],
  ['noatime norelatime', { set: noatime, clear: atimeMask }],
  ['noatime atime', { clear: atimeMask }],
  ['strictatime noatime nostrictatime', { set: noatime, clear: atimeMask }],
  ['strictatime nostrictatime', { clear: atimeMask }],
  ['rro', { recursiveSet: rdonly }],
  ['ro rrw', { set: rdonly, recursiveClear: rdonly }],
  ['rnoatime', { recursiveSet: noatime, recursiveClear: atimeMask }],
  ['rrelatime', { recursiveClear: atimeMask }],
  ['bind', { bind: 'bind' }],
  ['bind rbind', { bind: 'rbind' }],
  ['rslave', { propagation: [{ flag: MS_SLAVE, recursive: true }] }],
  [
    'shared private',
    {
      propagation: [
        { flag: MS_SHARED, recursive: false },
        { flag: MS_PRIVATE, recursive: false },
      ],
    },
  ],
  ['runbindable', { propagation: [{ flag: MS_UNBINDABLE, recursive: true }] }],
  ['defaults silent loud', {}],
  ['remount ro sync size=1m', { remount: 'filesystem', set: rdonly, data: ['sync', 'size=1m'] }],
  ['rbind remount ro sync', { remount: 'mount', set: rdonly, withoutEffect: ['sync'] }],
  ['sync mode=755 size=1m', { data: ['sync', 'mode=755', 'size=1m'] }],
  ['bind sync dirsync mand lazytime', { bind: 'bind', withoutEffect: ['sync', 'dirsync', 'mand', 'lazytime'] }],
  ['async nomand nolazytime mode=755 rbind', { bind: 'rbind', data: ['mode=755'] }],
  ['read-only', { data: ['read-only'] }],
  ['rsync rasync rdirsync rmand rnomand', { data: ['sync', 'async', 'dirsync', 'mand', 'nomand'] }],
  ['rsize=4096', { data: ['rsize=4096'] }],
  ['idmap', { idmap: { recursive: false, maps: '' } }],
  ['idmap ridmap', { idmap: { recursive: true, maps: '' } }],
  ['idmap=uids=0-1-2;gids=0-3-4', { idmap: { recursive: false, maps: 'uids=0-1-2;gids=0-3-4' } }],
  ['idmapped', { data: ['idmapped'] }],
  ['copy-symlink', { copySymlink: true }],
  ['src-nofollow dest-nofollow', { sourceNoFollow: true, targetNoFollow: true }],
  ['tmpcopyup mode=700', { copyUp: true, data: ['mode=700'] }],
  ['nosymfollow', { set: ATTR.nosymfollow }],
  ['nodiratime diratime', { clear: ATTR.nodiratime }],
])('%s', (options, expected) => {
  expect(parseMountOptions(options.split(' ').filter(Boolean))).toEqual({ ...NOTHING, ...expected })
})

test('names that objects have by themselves are data', () => {
  for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty', 'rconstructor']) {
    expect(parseMountOptions([name])).toEqual({ ...NOTHING, data: [name] })
  }
})

describe('knownMountOptions', () => {
  test('has plain and recursive names, sorted, nothing twice', () => {
    const known = knownMountOptions()
    expect(known).toEqual([...new Set(known)].sort())
    expect(known).toEqual(
      expect.arrayContaining(['ro', 'rro', 'rnosymfollow', 'rbind', 'rprivate', 'defaults', 'sync']),
    )
    expect(known).toContain('tmpcopyup')
  })

  test('every one of them is understood, none is data but flags of the superblock', () => {
    for (const name of knownMountOptions()) {
      const { data } = parseMountOptions([name])
      expect(data.every((option) => /^(a?sync|dirsync|(no)?mand|(no)?lazytime)$/.test(option))).toBe(true)
    }
  })
})
