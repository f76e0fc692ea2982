/** Advisories on mounts. */
import { parseMountOptions } from '../../kernel/mount_options.ts'
import { each } from '../rules/rule.ts'
import type { Advisory } from './advisory.ts'

const mountOptions: Advisory = {
  name: 'mount options',
  clause: 'config.md#linux-mount-options',
  requirement: 'DEPRECATED',
  hint: 'remove it: Linux 5.15 has dropped mandatory locks',
  reads: ['/mounts'],
  check({ mounts }, report) {
    each(mounts, ({ options }, index) =>
      each(options, (option, place) => {
        if (option === 'mand' || option === 'nomand')
          report(`/mounts/${index}/options/${place}`, `"${option}" is deprecated`)
      }),
    )
  },
}

const idmapOption: Advisory = {
  name: 'idmap option',
  clause: 'config.md#posix-platform-mounts',
  requirement: 'SHOULD',
  hint: 'add "idmap" or "ridmap" to options: runtimes that know no mappings then refuse the mount',
  reads: ['/mounts'],
  check({ mounts }, report) {
    each(mounts, ({ uidMappings, gidMappings, options = [] }, index) => {
      if (!uidMappings && !gidMappings) return
      if (!options.includes('idmap') && !options.includes('ridmap'))
        report(`/mounts/${index}/options`, 'mappings without the option "idmap" or "ridmap"')
    })
  },
}

/** config-linux.md#default-filesystems. */
const DEFAULTS: readonly string[] = ['/proc', '/sys', '/dev/pts', '/dev/shm']

const defaultFilesystems: Advisory = {
  name: 'default file systems',
  clause: 'config-linux.md#default-filesystems',
  requirement: 'SHOULD',
  hint: '`davit spec` writes all of them',
  reads: ['/mounts'],
  check({ mounts }, report) {
    const made = new Set(mounts?.map(({ destination }) => destination.replace(/\/+$/, '')))
    // A bind mount of the whole directory may bring them.
    const around = (path: string) =>
      (mounts ?? []).some((m) => path.startsWith(`${m.destination}/`) && parseMountOptions(m.options ?? []).bind)
    const missing = DEFAULTS.filter((path) => !made.has(path) && !around(path))
    if (missing.length > 0) report('/mounts', `no mount on ${missing.join(', ')}`)
  },
}

export const MOUNT_ADVISORIES: readonly Advisory[] = [mountOptions, idmapOption, defaultFilesystems]
