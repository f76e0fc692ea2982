/** Mounts. */
import { type Faulty, named } from './faulty.ts'

/** Options of a tmpfs that has this one alone. */
const alone = (options: string) => `"source":"tmpfs","options":\\["(${options})"\\]`
const DEFAULTS = 'async atime defaults dev diratime exec loud norelatime nostrictatime silent suid rw relatime'
const EFFECTS = 'ro nosuid nodev noexec noatime nodiratime strictatime sync dirsync nosymfollow'
const RECURSIVE = 'rro rnosuid rnodev rnoexec rnoatime rnosymfollow'

export const MOUNTS: Faulty = {
  groups: ['mounts'],
  faults: {
    'effects-lost': {
      does: 'forgets options that change something',
      sed: `s/${alone(EFFECTS.replaceAll(' ', '|'))}/"source":"tmpfs","options":[]/`,
      caught: named('mount-option-', EFFECTS),
    },
    'defaults-refused': {
      does: 'does not know options that change nothing',
      script: `if [ "$verb" = create ] && grep -qE '${alone(DEFAULTS.replaceAll(' ', '|'))}' "$bundle/config.json" 2>/dev/null; then exit 1; fi`,
      caught: named('mount-option-', DEFAULTS),
    },
    'sharing-lost': {
      does: 'leaves mounts private that are to be shared or not to be bound',
      sed: 's/"bind","r?(shared|unbindable)"/"bind"/',
      caught: named('mount-option-', 'shared rshared unbindable runbindable'),
    },
    'private-shared': {
      does: 'shares what is to be private',
      sed: 's/"bind","(r?)private"/"bind","\\1shared"/',
      caught: named('mount-option-', 'private rprivate'),
    },
    'recursion-lost': {
      does: 'forgets recursive options',
      sed: `s/"rbind","(${RECURSIVE.replaceAll(' ', '|')})"/"rbind"/`,
      caught: named('mount-option-', RECURSIVE),
    },
    'source-lost': {
      does: 'binds the root, whatever the source',
      sed: 's/"source":"\\/proc","options":\\["(r?bind)"\\]/"source":"\\/","options":["\\1"]/',
      caught: named('mount-option-', 'bind rbind'),
    },
    'order-lost': {
      does: 'mounts the last first',
      sed: 's/"source":"one"/"source":"x"/; s/"source":"two"/"source":"one"/; s/"source":"x"/"source":"two"/',
      caught: ['mount-order'],
    },
    'data-lost': {
      does: 'tells the filesystem another size',
      sed: 's/"size=64k"/"size=128k"/',
      caught: ['mount-data'],
    },
    'data-not-missed': {
      does: 'keeps what it does not know from the filesystem',
      sed: 's/"nosuchoption=1"//',
      caught: ['mount-data-wrong'],
    },
    'relative-elsewhere': {
      does: 'takes a relative destination from elsewhere',
      sed: 's/"destination":"mnt"/"destination":"\\/tmp\\/mnt"/',
      caught: ['mount-relative'],
    },
  },
}
