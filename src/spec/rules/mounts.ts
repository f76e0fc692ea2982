/** Rules on mounts. Options are parsed where they are planned. */
import { each, type Rule } from './rule.ts'

const destinations: Rule = {
  name: 'mount destinations',
  clause: 'config.md#mounts',
  severity: 'warning',
  reads: ['/mounts'],
  check({ mounts }, report) {
    each(mounts, ({ destination }, index) => {
      if (destination !== '' && !destination.startsWith('/')) {
        // SPEC: MAY be relative, deprecated.
        report(`/mounts/${index}/destination`, 'relative destination path is deprecated, using it as relative to /')
      }
    })
  },
}

const operands: Rule = {
  name: 'mount operands',
  clause: 'config.md#mounts, #posix-platform-mounts',
  severity: 'problem',
  reads: ['/mounts'],
  check({ mounts }, report) {
    each(mounts, ({ destination, source, type, options }, index) => {
      if (destination === '') report(`/mounts/${index}/destination`, 'mount destination must not be empty')
      if (options?.includes('remount')) return
      const bind = options?.includes('bind') || options?.includes('rbind') || type === 'bind'
      if (!bind && !type) report(`/mounts/${index}/type`, 'a mount that is no bind mount needs a type')
      if (bind && !source) report(`/mounts/${index}/source`, 'a bind mount needs a source')
    })
  },
}

export const MOUNT_RULES: readonly Rule[] = [destinations, operands]
