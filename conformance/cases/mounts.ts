/** config.md#mounts */
import { type Patch, refuses, sees } from '../declare.ts'
import type { Case, Deviation } from '../suite.ts'

const MOUNTS = 'config.md#mounts'
const OPTIONS = 'config.md#linux-mount-options'
const tmpfs = (...options: string[]): Patch => ({
  mounts: [{ destination: '/mnt', type: 'tmpfs', source: 'tmpfs', options }],
})
const bindOf =
  (source: string) =>
  (...options: string[]): Patch => ({ mounts: [{ destination: '/mnt', type: 'bind', source, options }] })
const bind = bindOf('/proc')
/** Of no mount that has the options anyway, as that of /proc mostly does. */
const plain = bindOf('/etc')

/** Options whose effect /proc/self/mountinfo shows, and how. */
const SHOWN: readonly [string, RegExp][] = [
  ['ro', /\/mnt ro,/],
  ['rw', /\/mnt rw,/],
  ['nosuid', /\/mnt \S*nosuid/],
  ['nodev', /\/mnt \S*nodev/],
  ['noexec', /\/mnt \S*noexec/],
  ['noatime', /\/mnt \S*noatime/],
  ['nodiratime', /\/mnt \S*nodiratime/],
  ['relatime', /\/mnt \S*relatime/],
  ['strictatime', /\/mnt (?!\S*(relatime|noatime))/],
  ['sync', /\/mnt .* - tmpfs \S+ \S*sync/],
  ['dirsync', /\/mnt .* - tmpfs \S+ \S*dirsync/],
  ['nosymfollow', /\/mnt \S*nosymfollow/],
]
const ACCEPTED = [
  'async',
  'atime',
  'defaults',
  'dev',
  'diratime',
  'exec',
  'loud',
  'norelatime',
  'nostrictatime',
  'silent',
  'suid',
]
const SPREAD: readonly [string, RegExp][] = [
  ['private', /\/mnt \S+ - /],
  ['rprivate', /\/mnt \S+ - /],
  ['shared', /\/mnt \S+ shared:/],
  ['rshared', /\/mnt \S+ shared:/],
  ['unbindable', /\/mnt \S+ unbindable/],
  ['runbindable', /\/mnt \S+ unbindable/],
]
const RECURSIVE: readonly [string, RegExp][] = [
  ['rro', /\/mnt ro,/],
  ['rnosuid', /\/mnt \S*nosuid/],
  ['rnodev', /\/mnt \S*nodev/],
  ['rnoexec', /\/mnt \S*noexec/],
  ['rnoatime', /\/mnt \S*noatime/],
  ['rnosymfollow', /\/mnt \S*nosymfollow/],
]
/** What older runtimes do with options that they do not know, or know otherwise. */
const asData = (versions: string, what: string): Deviation => ({
  versions,
  why: `does not know ${what}, and hands it to the filesystem, which refuses it`,
})
const crun = (why: string): Deviation => ({ seen: '1.8.1', why })
const crunData = (what: string) => crun(`does not know ${what}, and hands it to the filesystem, which refuses it`)
const PRIVATE = crun('makes the whole tree private after pivot_root, the mount as well (MS_REC and MS_PRIVATE on /)')
const UNKNOWN: Readonly<Record<string, Readonly<Record<string, Deviation>>>> = {
  defaults: { runc: asData('<1.2', 'defaults') },
  loud: { crun: crunData('loud') },
  silent: { crun: crunData('silent') },
  nosymfollow: { crun: crunData('nosymfollow') },
  rnosymfollow: { crun: crun('does not know it, and hands it to a bind mount as data, which the kernel ignores') },
  shared: { crun: PRIVATE },
  rshared: { crun: PRIVATE },
  unbindable: { crun: PRIVATE },
  runbindable: { crun: PRIVATE },
  rnoatime: { crun: crun('gives mount_setattr(2) the flag of mount(2), 0x400, which is no attribute: EINVAL') },
}
const known = (option: string) => ({ deviations: UNKNOWN[option] ?? {} })
// The specification's table has rdev, but not its opposite, which mount(8) knows.
const covered = (option: string) => (option === 'rnodev' ? 'config-mount-options-03' : `config-mount-option-${option}`)
const LOOK = 'grep " /mnt " /proc/self/mountinfo'

export const MOUNT: readonly Case[] = [
  ...SHOWN.map(([option, wanted]) =>
    sees(
      [`mount-option-${option}`, OPTIONS, `${option} has its effect`, covered(option)],
      tmpfs(option),
      LOOK,
      wanted,
      known(option),
    ),
  ),
  ...ACCEPTED.map((option) =>
    sees(
      [`mount-option-${option}`, OPTIONS, `${option} is known`, covered(option)],
      tmpfs(option),
      LOOK,
      / - tmpfs /,
      known(option),
    ),
  ),
  ...SPREAD.map(([option, wanted]) =>
    sees(
      [`mount-option-${option}`, OPTIONS, `${option} has its effect`, covered(option)],
      bind('bind', option),
      LOOK,
      wanted,
      known(option),
    ),
  ),
  ...RECURSIVE.map(([option, wanted]) =>
    sees(
      [`mount-option-${option}`, OPTIONS, `${option} has its effect`, covered(option)],
      plain('rbind', option),
      LOOK,
      wanted,
      known(option),
    ),
  ),
  sees(
    ['mount-option-bind', OPTIONS, 'bind shows another folder', 'config-mount-option-bind'],
    bind('bind'),
    'ls -d /mnt/self',
    /self\n$/,
  ),
  sees(
    ['mount-option-rbind', OPTIONS, 'rbind shows another folder', 'config-mount-option-rbind'],
    bind('rbind'),
    'ls -d /mnt/self',
    /self\n$/,
  ),
  sees(
    ['mount-order', MOUNTS, 'mounts are made in the listed order', 'config-mounts-01'],
    {
      mounts: ['one', 'two'].map((size, n) => ({
        destination: '/mnt',
        type: 'tmpfs',
        source: size,
        options: [`size=${n + 1}m`],
      })),
    },
    'grep -o "tmpfs \\(one\\|two\\)" /proc/self/mountinfo',
    /^tmpfs one\ntmpfs two\n$/,
  ),
  sees(
    ['mount-data', OPTIONS, 'unknown options go to the filesystem', 'config-mount-options-04'],
    tmpfs('size=64k'),
    LOOK,
    /size=64k/,
  ),
  refuses(
    ['mount-data-wrong', OPTIONS, 'what the filesystem refuses is an error', 'config-valid-01'],
    tmpfs('nosuchoption=1'),
  ),
  sees(
    ['mount-relative', MOUNTS, 'a relative destination is below /', 'config-mounts-04'],
    { mounts: [{ destination: 'mnt', type: 'tmpfs', source: 'tmpfs' }] },
    LOOK,
    / - tmpfs /,
  ),
]
