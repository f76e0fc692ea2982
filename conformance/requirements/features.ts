/** features.md and features-linux.md */
import { section } from './requirement.ts'

export const FEATURES = [
  ...section('features.md#features-structure', {
    'features-static-01': [
      'SHOULD',
      'runtime',
      'what features says was settled when the runtime was compiled, not when it is run',
    ],
    'features-null-01': [
      'MUST NOT',
      'runtime',
      'null means unknown, and is not the same as an empty value',
      { uncoverable: 'it is for whoever reads the structure to tell them apart' },
    ],
  }),
  ...section('features.md#specification-version', {
    'features-version-01': ['REQUIRED', 'runtime', 'ociVersionMin is there'],
    'features-version-02': ['MUST', 'runtime', 'a config.json of version ociVersionMin is accepted'],
    'features-version-03': ['REQUIRED', 'runtime', 'ociVersionMax is there'],
    'features-version-04': ['MUST', 'runtime', 'a config.json of version ociVersionMax is accepted'],
    'features-version-05': ['MUST NOT', 'runtime', 'ociVersionMax is not below ociVersionMin'],
    'features-version-06': ['MUST NOT', 'runtime', 'there are no properties that this version does not define'],
  }),
  ...section('features.md#hooks', {
    'features-hooks-01': ['MUST', 'runtime', 'every kind of hook that is listed works'],
  }),
  ...section('features.md#mount-options', {
    'features-mounts-01': ['MUST', 'runtime', 'every mount option that is listed is recognized'],
    'features-mounts-02': ['SHOULD NOT', 'runtime', 'options that are only handed to a filesystem are not listed'],
  }),
  ...section('features.md#annotations', {
    'features-annotations-01': ['MUST', 'runtime', 'annotations keep to the rules of those in config.json'],
  }),
]

export const FEATURES_LINUX = [
  ...section('features-linux.md#namespaces', {
    'features-linux-namespaces-01': ['MUST', 'runtime', 'every listed type of namespace is recognized'],
  }),
  ...section('features-linux.md#capabilities', {
    'features-linux-capabilities-01': ['MUST', 'runtime', 'every listed capability is recognized'],
  }),
  ...section('features-linux.md#seccomp', {
    'features-linux-seccomp-01': ['MUST', 'runtime', 'every listed action is recognized'],
    'features-linux-seccomp-02': ['MUST', 'runtime', 'every listed operator is recognized'],
    'features-linux-seccomp-03': ['MUST', 'runtime', 'every listed architecture is recognized'],
    'features-linux-seccomp-04': ['MUST', 'runtime', 'every known flag is recognized'],
    'features-linux-seccomp-05': ['MUST', 'runtime', 'every supported flag is recognized and works'],
  }),
  ...section('features-linux.md#memorypolicy', {
    'features-linux-memory-policy-01': ['MUST', 'runtime', 'every listed mode of memory policy is recognized'],
    'features-linux-memory-policy-02': ['MUST', 'runtime', 'every listed flag of memory policy is recognized'],
  }),
  ...section('features-linux.md#mountextensions', {
    'features-linux-idmap-01': [
      'MUST',
      'runtime',
      'idmap.enabled is true where mappings of mounts are known, though only some kinds of them may work',
    ],
  }),
]
