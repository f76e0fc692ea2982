/** Advisories on the document, hooks and annotations. */
import { pointer } from '../../base/pointer.ts'
import type { Advisory } from './advisory.ts'

const rootName: Advisory = {
  name: 'root name',
  clause: 'config.md#root',
  requirement: 'SHOULD',
  hint: 'keep the root file system in the directory "rootfs" of the bundle',
  reads: ['/root'],
  check({ root }, report) {
    if (root && root.path !== '' && root.path !== 'rootfs') report('/root/path', 'not the conventional "rootfs"')
  },
}

const prestart: Advisory = {
  name: 'prestart hooks',
  clause: 'config.md#posix-platform-hooks',
  requirement: 'DEPRECATED',
  hint: 'use createRuntime, which runs at the same point',
  reads: ['/hooks/prestart'],
  check({ hooks }, report) {
    if (hooks?.prestart?.length) report('/hooks/prestart', 'prestart hooks are deprecated')
  },
}

const annotationNames: Advisory = {
  name: 'annotation names',
  clause: 'config.md#annotations',
  requirement: 'SHOULD',
  hint: 'name it in reverse domain notation, such as com.example.key',
  reads: ['/annotations'],
  check({ annotations }, report) {
    for (const key of Object.keys(annotations ?? {})) {
      if (key !== '' && !/^[^.]+\../.test(key)) report(pointer('annotations', key), 'not in reverse domain notation')
    }
  },
}

/** Those that the specification defines, of images. */
const IMAGE_KEYS = [
  'os',
  'os.version',
  'os.features',
  'architecture',
  'variant',
  'author',
  'created',
  'stopSignal',
].map((name) => `org.opencontainers.image.${name}`)

const reservedAnnotations: Advisory = {
  name: 'reserved annotations',
  clause: 'config.md#annotations',
  requirement: 'MUST',
  hint: 'use a domain of your own',
  reads: ['/annotations'],
  check({ annotations }, report) {
    for (const key of Object.keys(annotations ?? {})) {
      if (key.startsWith('org.opencontainers.') && !IMAGE_KEYS.includes(key))
        report(pointer('annotations', key), 'not one of the keys that the specification has in org.opencontainers')
    }
  },
}

const PLATFORMS = ['solaris', 'windows', 'vm', 'zos', 'freebsd'] as const

const otherPlatforms: Advisory = {
  name: 'other platforms',
  clause: 'config.md#platform-specific-configuration',
  hint: 'remove it: it has no effect on Linux',
  reads: ['/process/user', '/process/commandLine', ...PLATFORMS.map((name) => `/${name}`)],
  check(spec, report) {
    for (const name of PLATFORMS) if (spec[name]) report(`/${name}`, 'for another platform, ignored')
    if (spec.process?.commandLine) report('/process/commandLine', 'for Windows, ignored')
    if (spec.process?.user?.username) report('/process/user/username', 'for Windows, ignored')
  },
}

export const DOCUMENT_ADVISORIES: readonly Advisory[] = [
  rootName,
  prestart,
  annotationNames,
  reservedAnnotations,
  otherPlatforms,
]
