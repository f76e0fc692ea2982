/** config.md, the table of mount options */
import type { Level, Row } from './requirement.ts'

const MUST =
  'async atime bind defaults dev diratime dirsync exec iversion lazytime loud noatime nodev nodiratime noexec ' +
  'noiversion nolazytime norelatime nostrictatime nosuid private rbind relatime remount ro rprivate rshared rslave ' +
  'runbindable rw shared silent slave strictatime suid sync unbindable'
const SHOULD =
  'nosymfollow ratime rdev rdiratime rexec rnoatime rnodiratime rnoexec rnorelatime rnostrictatime rnosuid ' +
  'rnosymfollow rrelatime rro rrw rstrictatime rsuid rsymfollow symfollow idmap ridmap'

const options = (level: Level, names: string) =>
  names.split(' ').map((name): [string, Row] => [`config-mount-option-${name}`, [level, 'runtime', `${name} is known`]])

const mapped = (name: string, of: string): Record<string, Row> => ({
  [`config-mount-${name}-01`]: ['MUST', 'runtime', `${name}: ids are mapped in ${of}`],
  [`config-mount-${name}-02`]: [
    'SHOULD NOT',
    'runtime',
    `${name} is not handed to mount(2)`,
    { uncoverable: `how a runtime mounts is its own matter; its effect is config-mount-option-${name}` },
  ],
  [`config-mount-${name}-03`]: ['MUST', 'runtime', `${name}: the mappings of the mount are used where it has some`],
  [`config-mount-${name}-04`]: [
    'MUST',
    'runtime',
    `${name} without mappings is an error, unless those of the user namespace are taken`,
  ],
  [`config-mount-${name}-05`]: ['MUST', 'runtime', `${name} without mappings and without a user namespace is an error`],
  [`config-mount-${name}-06`]: [
    'SHOULD',
    'runtime',
    `${name} is done with mount_setattr(2)`,
    { uncoverable: 'which system call is made does not show in the result' },
  ],
})

/** One row for each option, and six more for either kind of mapping. */
export const MOUNT_OPTIONS: Readonly<Record<string, Row>> = {
  'config-mount-options-01': ['MUST', 'runtime', 'the options of the table are implemented', { words: 2 }],
  ...Object.fromEntries([...options('MUST', MUST), ...options('SHOULD', SHOULD)]),
  ...mapped('idmap', 'the mount'),
  ...mapped('ridmap', 'the mount and those below it'),
  'config-mount-options-02': ['MUST', 'runtime', 'these options are as those of mount(8)'],
  'config-mount-options-03': ['SHOULD', 'runtime', 'other options that mount(8) knows do the same as there'],
  'config-mount-options-04': ['SHOULD', 'runtime', 'options that are not known go to the filesystem'],
}
