/** What only some machines have: systemd as process 1, criu. The guests of test/vm do. */
import { CRIU } from '../criu.ts'
import type { Faulty } from './faulty.ts'

export const SYSTEMD: Faulty = {
  groups: ['systemd'],
  needs: ['systemd', 'cgroup2'],
  faults: {
    'limits-halved': {
      does: 'sets other limits',
      sed: 's/"limit":37/"limit":36/',
      caught: ['systemd-limits'],
    },
    'named-otherwise': {
      does: 'makes the scope of another name',
      sed: '/"resources"/!s/"system.slice:conf:/"system.slice:other:/',
      caught: ['systemd-scope'],
    },
    'paths-made-up': {
      does: 'has a path of its own in the place of one that it cannot read',
      sed: `s/"(one:two:three:four|no-slice:conf:x)"/"system.slice:conf:made-up-'$$'"/`,
      caught: ['systemd-path-invalid'],
    },
  },
}

/** What is left at first makes every other case fail, too: they delete once. */
export const SYSTEMD_LEFT: Faulty = {
  groups: ['systemd'],
  only: '^systemd-gone$',
  needs: ['systemd', 'cgroup2'],
  faults: {
    'unit-left': {
      does: 'leaves the unit the first time that it deletes',
      script: `
if [ "$verb" = delete ] && [ ! -e "$0.$last" ]; then
  : >"$0.$last"
  exit 0
fi`,
      caught: ['systemd-gone'],
    },
  },
}

export const CHECKPOINT: Faulty = {
  groups: ['checkpoint'],
  only: '^checkpoint-restore$',
  needs: [CRIU],
  faults: {
    'begun-again': {
      does: 'starts the container anew where it is to restore it',
      script: `
if [ "$verb" = restore ]; then
  davit --root "$2" create --bundle "$2/../$last" "$last" && davit --root "$2" start "$last"
  exit
fi`,
      caught: ['checkpoint-restore'],
    },
  },
}
