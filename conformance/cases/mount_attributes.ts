/** config.md#linux-mount-options: attributes of a mount and of those below it, set and taken away again. */
import { sees } from '../declare.ts'
import { type Case, type Deviation, expect } from '../suite.ts'
import { attributesAt, withTree } from '../tree.ts'

const OPTIONS = 'config.md#linux-mount-options'

/** What the mount of the host has, the option, and what both mounts of the container must say, or must not. */
interface Change {
  readonly option: string
  readonly before: string
  readonly after: RegExp
  /** Of the mount below, where only the upper one is to change. */
  readonly below?: RegExp
  readonly deviations?: Readonly<Record<string, Deviation>>
}

const crun = (why: string): Readonly<Record<string, Deviation>> => ({ crun: { seen: '1.8.1', why } })
/** How crun reads what is recursive: as flags of mount(2), which mount_setattr(2) has other numbers for. */
const MIXED = crun('gives mount_setattr(2) flags of mount(2), which are other attributes or none there')
const DATA = crun('does not know it, and hands it to a bind mount as data, which the kernel ignores')
const runc: Readonly<Record<string, Deviation>> = {
  runc: {
    seen: '1.1.5',
    why: 'takes one bit of the access time away, which mount_setattr(2) has as a number: EINVAL',
  },
}

const CHANGES: readonly Change[] = [
  { option: 'rro', before: 'rw', after: /^ro[, ]/ },
  { option: 'rrw', before: 'ro', after: /^rw[, ]/ },
  { option: 'rnosuid', before: 'suid', after: /^\S*\bnosuid\b/ },
  { option: 'rsuid', before: 'nosuid', after: /^(?!\S*\bnosuid\b)/ },
  { option: 'rnodev', before: 'dev', after: /^\S*\bnodev\b/ },
  { option: 'rdev', before: 'nodev', after: /^(?!\S*\bnodev\b)/ },
  { option: 'rnoexec', before: 'exec', after: /^\S*\bnoexec\b/ },
  { option: 'rexec', before: 'noexec', after: /^(?!\S*\bnoexec\b)/ },
  { option: 'rnodiratime', before: 'diratime', after: /^\S*\bnodiratime\b/, deviations: MIXED },
  { option: 'rdiratime', before: 'nodiratime', after: /^(?!\S*\bnodiratime\b)/, deviations: MIXED },
  { option: 'rnoatime', before: 'strictatime', after: /^\S*\bnoatime\b/, deviations: MIXED },
  { option: 'ratime', before: 'noatime', after: /^(?!\S*\bnoatime\b)/, deviations: { ...MIXED, ...runc } },
  { option: 'rrelatime', before: 'noatime', after: /^\S*\brelatime\b/, deviations: MIXED },
  { option: 'rstrictatime', before: 'noatime', after: /^(?!\S*\b(noatime|relatime)\b)/, deviations: MIXED },
  { option: 'rnosymfollow', before: 'rw', after: /^\S*\bnosymfollow\b/, deviations: DATA },
  { option: 'rsymfollow', before: 'nosymfollow', after: /^(?!\S*\bnosymfollow\b)/, deviations: DATA },
  // mount(8): they leave it to the kernel.
  { option: 'rnorelatime', before: 'relatime', after: /^\S/ },
  { option: 'rnostrictatime', before: 'strictatime', after: /^\S/, deviations: { ...MIXED, ...runc } },
  // Without the letter it is the upper mount alone.
  { option: 'ro', before: 'rw', after: /^ro[, ]/, below: /^rw[, ]/ },
  { option: 'nosuid', before: 'suid', after: /^\S*\bnosuid\b/, below: /^(?!\S*\bnosuid\b)/ },
]

/** Which requirement it is: the specification's table has rdev, but not its opposite, which mount(8) knows. */
const covered = (option: string) => (option === 'rnodev' ? 'config-mount-options-03' : `config-mount-option-${option}`)

const TREES: readonly Case[] = CHANGES.map(({ option, before, after, below, deviations = {} }) => ({
  id: `mount-tree-${option}`,
  clause: OPTIONS,
  asks:
    below === undefined
      ? `${option} has its effect on the mount and on the one below it, whatever they had`
      : `${option} has its effect on the mount, and not on the one below it`,
  covers: ['config-mount-options-01', 'config-mount-options-02', covered(option)],
  deviations,
  test(subject) {
    withTree(subject, before, (source) => {
      const bundle = subject.bundle('cat /proc/self/mountinfo >/tmp/seen', (config) => {
        config.mounts.push({ destination: '/mnt', type: 'bind', source, options: ['rbind', option] })
      })
      subject.run(bundle)
      subject.await(bundle.id, 'stopped')
      const seen = bundle.read('tmp/seen')
      subject.showed('mountinfo of the container', seen)
      const [upper, lower] = ['/mnt', '/mnt/sub'].map((path) => attributesAt(seen, path))
      expect(after.test(upper ?? ''), `/mnt is ${JSON.stringify(upper)}, expected ${after}`)
      const wanted = below ?? after
      expect(lower !== '' && wanted.test(lower ?? ''), `/mnt/sub is ${JSON.stringify(lower)}, expected ${wanted}`)
    })
  },
}))

const tmpfs = (...lists: string[][]) => ({
  mounts: lists.map((options) => ({ destination: '/mnt', type: 'tmpfs', source: 'tmpfs', options })),
})
const LOOK = 'grep " /mnt " /proc/self/mountinfo'
const FILESYSTEM = crun('does not know it, and hands it to the filesystem, which refuses it')

const FLAGS: readonly Case[] = [
  sees(
    ['mount-option-lazytime', OPTIONS, 'lazytime has its effect', 'config-mount-option-lazytime'],
    tmpfs(['lazytime']),
    LOOK,
    / - tmpfs \S+ \S*\blazytime\b/,
  ),
  sees(
    ['mount-option-nolazytime', OPTIONS, 'nolazytime has its effect', 'config-mount-option-nolazytime'],
    tmpfs(['nolazytime']),
    LOOK,
    / - tmpfs \S+ (?!\S*\blazytime\b)/,
  ),
  ...['iversion', 'noiversion'].map((option) =>
    sees(
      [`mount-option-${option}`, OPTIONS, `${option} is known`, `config-mount-option-${option}`],
      tmpfs([option]),
      LOOK,
      / - tmpfs /,
      { deviations: crun('asks tmpfs for a flag of the file system, which it does not have: EINVAL') },
    ),
  ),
  sees(
    ['mount-option-symfollow', OPTIONS, 'symfollow is known', 'config-mount-option-symfollow'],
    tmpfs(['symfollow']),
    LOOK,
    /^(?!.*nosymfollow).* - tmpfs /,
    { deviations: FILESYSTEM },
  ),
  sees(
    [
      'mount-option-remount',
      OPTIONS,
      'remount changes what is mounted, and mounts nothing',
      'config-mount-option-remount',
    ],
    tmpfs(['rw'], ['remount', 'ro']),
    LOOK,
    /^\S+ \S+ \S+ \S+ \/mnt ro[, ][^\n]*\n$/,
  ),
]

const SLAVES: readonly Case[] = ['slave', 'rslave'].map((option) => ({
  id: `mount-option-${option}`,
  clause: OPTIONS,
  asks: `${option} has its effect: what is mounted on the host appears in the container, and not the other way round`,
  covers: [`config-mount-option-${option}`],
  deviations: crun('makes the whole tree private after pivot_root, the mount as well (MS_REC and MS_PRIVATE on /)'),
  test(subject) {
    withTree(subject, 'rw', (source) => {
      subject.applet('mount', '--make-rshared', source)
      const bundle = subject.bundle('cat /proc/self/mountinfo >/tmp/seen', (config) => {
        config.mounts.push({ destination: '/mnt', type: 'bind', source, options: ['rbind', option] })
      })
      subject.run(bundle)
      subject.await(bundle.id, 'stopped')
      const seen = bundle.read('tmp/seen')
      subject.showed('mountinfo of the container', seen)
      const upper = attributesAt(seen, '/mnt')
      expect(/\bmaster:/.test(upper) && !/\bshared:/.test(upper), `/mnt is ${JSON.stringify(upper)}`)
      const lower = attributesAt(seen, '/mnt/sub')
      if (option === 'rslave')
        expect(/\bmaster:/.test(lower) && !/\bshared:/.test(lower), `/mnt/sub is ${JSON.stringify(lower)}`)
    })
  },
}))

export const MOUNT_ATTRIBUTES: readonly Case[] = [...TREES, ...FLAGS, ...SLAVES]
