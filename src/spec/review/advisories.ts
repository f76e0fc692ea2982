/** All advisories. */
import { DOCUMENT_ADVISORIES } from './advise_document.ts'
import { LINUX_ADVISORIES } from './advise_linux.ts'
import { MOUNT_ADVISORIES } from './advise_mounts.ts'
import { PROCESS_ADVISORIES } from './advise_process.ts'
import type { Advisory } from './advisory.ts'

export const ADVISORIES: readonly Advisory[] = [
  ...DOCUMENT_ADVISORIES,
  ...PROCESS_ADVISORIES,
  ...MOUNT_ADVISORIES,
  ...LINUX_ADVISORIES,
]
