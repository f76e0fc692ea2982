/** config.md */
import { HOOKS } from './config_hooks.ts'
import { MOUNT_OPTIONS } from './mount_options.ts'
import { type Row, section } from './requirement.ts'

const image = (name: string, what: string): Readonly<Record<string, Row>> => ({
  [`config-annotations-${name}-01`]: ['MUST', 'config', `${what} has a value that images may have`],
  [`config-annotations-${name}-02`]: ['SHOULD', 'config', `${what} comes from the conversion of an image`],
})

export const CONFIG = [
  ...section('config.md#specification-version', {
    'config-version-01': ['REQUIRED', 'config', 'ociVersion is there'],
    'config-version-02': ['MUST', 'config', 'ociVersion is a semantic version'],
  }),
  ...section('config.md#root', {
    'config-root-01': ['REQUIRED', 'elsewhere', 'Windows: root is there'],
    'config-root-02': ['MUST NOT', 'elsewhere', 'Hyper-V: root is not there'],
    'config-root-03': ['REQUIRED', 'config', 'root is there'],
    'config-root-04': ['REQUIRED', 'config', 'root.path is there'],
    'config-root-05': ['MUST', 'elsewhere', 'Windows: root.path is a volume'],
    'config-root-06': ['SHOULD', 'config', 'root.path is rootfs, by custom'],
    'config-root-07': ['MUST', 'config', 'root.path is a directory that exists'],
    'config-root-08': ['MUST', 'runtime', 'the root is read-only inside the container where readonly is true'],
    'config-root-09': ['MUST', 'elsewhere', 'Windows: readonly is not true'],
  }),
  ...section('config.md#mounts', {
    'config-mounts-01': ['MUST', 'runtime', 'mounts are made in the listed order'],
    'config-mounts-02': ['REQUIRED', 'config', 'a mount has a destination'],
    'config-mounts-03': ['SHOULD', 'config', 'a destination is an absolute path'],
    'config-mounts-04': ['MUST', 'runtime', 'a relative destination is taken from /'],
    'config-mounts-05': ['MUST', 'elsewhere', 'Windows: a destination is an absolute path'],
    'config-mounts-06': ['MUST NOT', 'elsewhere', 'Windows: no mount is inside of another'],
    'config-mounts-07': ['MUST', 'elsewhere', 'Solaris: a destination is an absolute path'],
    'config-mounts-08': ['MUST', 'elsewhere', 'other platforms: a destination is an absolute path'],
    'config-mounts-09': ['MUST', 'elsewhere', 'Windows: ro works'],
  }),
  ...section('config.md#linux-mount-options', MOUNT_OPTIONS),
  ...section('config.md#posix-platform-mounts', {
    'config-mount-maps-01': [
      'SHOULD',
      'runtime',
      'uidMappings of a mount are done with mount_setattr(2)',
      { uncoverable: 'which system call is made does not show in the result' },
    ],
    'config-mount-maps-02': ['SHOULD', 'config', 'a mount with uidMappings has idmap or ridmap among its options'],
    'config-mount-maps-03': ['MUST', 'config', 'uidMappings of a mount come with gidMappings'],
    'config-mount-maps-04': [
      'SHOULD',
      'runtime',
      'gidMappings of a mount are done with mount_setattr(2)',
      { uncoverable: 'which system call is made does not show in the result' },
    ],
    'config-mount-maps-05': ['SHOULD', 'config', 'a mount with gidMappings has idmap or ridmap among its options'],
    'config-mount-maps-06': ['MUST', 'config', 'gidMappings of a mount come with uidMappings'],
  }),
  ...section('config.md#process', {
    'config-process-01': ['REQUIRED', 'config', 'process is there when start is called'],
    'config-process-02': ['MUST', 'runtime', 'consoleSize is ignored without a terminal'],
    'config-process-03': ['REQUIRED', 'config', 'consoleSize has a height'],
    'config-process-04': ['REQUIRED', 'config', 'consoleSize has a width'],
    'config-process-05': ['REQUIRED', 'config', 'cwd is there'],
    'config-process-06': ['MUST', 'config', 'cwd is an absolute path'],
    'config-process-07': ['REQUIRED', 'config', 'args has one entry at least'],
    'config-process-08': ['REQUIRED', 'elsewhere', 'Windows: commandLine is there where args is not'],
  }),
  ...section('config.md#posix-process', {
    'config-rlimits-01': ['REQUIRED', 'config', 'a limit has a type'],
    'config-rlimits-02': ['MUST', 'runtime', 'a type that the kernel does not have is an error'],
    'config-rlimits-03': ['MUST', 'runtime', 'each limit can be read back with getrlimit'],
    'config-rlimits-04': ['REQUIRED', 'config', 'a limit has a soft value'],
    'config-rlimits-05': ['MUST', 'runtime', 'the soft limit has the configured value'],
    'config-rlimits-06': ['REQUIRED', 'config', 'a limit has a hard value'],
    'config-rlimits-07': ['MUST', 'runtime', 'the hard limit has the configured value'],
    'config-rlimits-08': ['MUST', 'runtime', 'two limits of one type are an error'],
  }),
  ...section('config.md#linux-process', {
    'config-capabilities-01': ['MUST', 'runtime', 'a capability that cannot be granted is told in a warning'],
    'config-capabilities-02': ['SHOULD NOT', 'runtime', 'a capability that cannot be granted is no reason to fail'],
    'config-oom-01': ['MUST', 'runtime', 'oomScoreAdj is set where it is configured'],
    'config-oom-02': ['MUST NOT', 'runtime', 'oom_score_adj stays as it is where nothing is configured'],
    'config-scheduler-01': ['REQUIRED', 'config', 'scheduler has a policy'],
    'config-io-priority-01': ['REQUIRED', 'config', 'ioPriority has a class'],
    'config-io-priority-02': ['REQUIRED', 'config', 'ioPriority has a priority'],
    'config-exec-affinity-01': [
      'SHOULD NOT',
      'runtime',
      'without a final set of CPUs the runtime does not change them after the move to the cgroup',
    ],
  }),
  ...section('config.md#posix-platform-user', {
    'config-user-01': ['REQUIRED', 'config', 'user has a uid'],
    'config-user-02': ['REQUIRED', 'config', 'user has a gid'],
  }),
  ...section('config.md#platform-specific-configuration', {
    'config-platform-01': ['MUST', 'elsewhere', 'Windows: windows is there'],
  }),
  ...HOOKS,
  ...section('config.md#annotations', {
    'config-annotations-01': ['MUST', 'config', 'annotations is a map'],
    'config-annotations-02': ['MUST', 'config', 'keys of annotations are strings'],
    'config-annotations-03': ['MUST NOT', 'config', 'keys of annotations are not empty'],
    'config-annotations-04': ['SHOULD', 'config', 'keys of annotations begin with a domain, reversed'],
    'config-annotations-05': ['MUST', 'config', 'keys below org.opencontainers are used as the specification says'],
    ...image('os', 'image.os'),
    ...image('os-version', 'image.os.version'),
    ...image('os-features', 'image.os.features'),
    ...image('architecture', 'image.architecture'),
    ...image('variant', 'image.variant'),
    ...image('author', 'image.author'),
    ...image('created', 'image.created'),
    'config-annotations-stopSignal-00': [
      'SHOULD',
      'config',
      'image.stopSignal names the signal that ends the container, for whoever calls kill',
    ],
    ...image('stopSignal', 'image.stopSignal'),
    'config-annotations-06': ['MUST NOT', 'spec', 'other keys below org.opencontainers stay unused'],
    'config-annotations-07': ['MUST', 'runtime', 'unknown keys of annotations are treated as unknown properties'],
    'config-annotations-08': ['MUST', 'config', 'values of annotations are strings'],
  }),
  ...section('config.md#extensibility', {
    'config-extensibility-01': ['MUST', 'runtime', 'unknown properties have no effect'],
  }),
  ...section('config.md#valid-values', {
    'config-valid-01': ['MUST', 'runtime', 'values that are invalid or not supported are an error'],
  }),
]
