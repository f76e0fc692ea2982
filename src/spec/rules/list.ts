/** All rules. */
import { ANNOTATION_RULES } from './annotations.ts'
import { CAPABILITY_RULES } from './capabilities.ts'
import { DEVICE_RULES } from './devices.ts'
import { DOCUMENT_RULES } from './document.ts'
import { IDMAP_RULES } from './idmaps.ts'
import { LINUX_RULES } from './linux.ts'
import { MAPPING_RULES } from './mappings.ts'
import { MOUNT_RULES } from './mounts.ts'
import { NAMESPACE_RULES } from './namespaces.ts'
import { NET_DEVICE_RULES } from './net_devices.ts'
import { PROCESS_RULES } from './process.ts'
import { RESOURCE_RULES } from './resources.ts'
import type { Rule } from './rule.ts'
import { SECCOMP_RULES } from './seccomp.ts'
import { SYSCTL_RULES } from './sysctl.ts'

/** Every rule, in the order in which problems are reported. */
export const RULES: readonly Rule[] = [
  ...DOCUMENT_RULES,
  ...ANNOTATION_RULES,
  ...PROCESS_RULES,
  ...CAPABILITY_RULES,
  ...MOUNT_RULES,
  ...NAMESPACE_RULES,
  ...MAPPING_RULES,
  ...IDMAP_RULES,
  ...DEVICE_RULES,
  ...NET_DEVICE_RULES,
  ...RESOURCE_RULES,
  ...SYSCTL_RULES,
  ...LINUX_RULES,
  ...SECCOMP_RULES,
]
