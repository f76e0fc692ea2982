/** update by its flags, pause and resume. */
import { type Faulty, named, optionLost, reworded } from './faulty.ts'

export const UPDATE: Faulty = {
  groups: ['update'],
  faults: {
    'size-lost': {
      does: 'forgets --memory',
      script: optionLost('update', '--memory'),
      caught: ['update-memory', 'update-memory-swap'],
    },
    'reservation-lost': {
      does: 'forgets --memory-reservation',
      script: optionLost('update', '--memory-reservation'),
      caught: ['update-memory-reservation'],
    },
    'share-lost': {
      does: 'forgets --cpu-share',
      script: optionLost('update', '--cpu-share'),
      caught: ['update-cpu-share'],
    },
    'quota-halved': {
      does: 'halves the quota',
      script: reworded('update', '"--cpu-quota 40000") word=20000 ;;'),
      caught: ['update-cpu-quota'],
    },
    'burst-lost': {
      does: 'forgets --cpu-burst',
      script: optionLost('update', '--cpu-burst'),
      caught: ['update-cpu-burst'],
    },
    'cpus-lost': {
      does: 'forgets --cpuset-cpus',
      script: optionLost('update', '--cpuset-cpus'),
      caught: ['update-cpuset-cpus', 'update-refused-keeps'],
    },
    'mems-elsewhere': {
      does: 'takes another node',
      script: reworded('update', '"--cpuset-mems 0") word=63 ;;'),
      caught: ['update-cpuset-mems'],
    },
    'processes-lost': {
      does: 'forgets --pids-limit',
      script: optionLost('update', '--pids-limit'),
      caught: named('update-', 'pids-limit pids-unlimited keeps-others created'),
    },
    'weight-lost': {
      does: 'forgets --blkio-weight',
      script: optionLost('update', '--blkio-weight'),
      caught: ['update-blkio-weight'],
    },
    'resources-lost': {
      does: 'reads no resources',
      script: 'case " $* " in *" --resources "*) exit 0 ;; esac',
      caught: ['update-resources-file', 'update-resources-stdin'],
    },
    'absence-forgiven': {
      does: 'updates what is not there',
      script: 'if [ "$verb" = update ] && [ "$last" = conf-unknown ]; then exit 0; fi',
      caught: ['update-unknown'],
    },
    'pause-lost': {
      does: 'does nothing to pause or to go on',
      script: 'case $3 in pause | resume) exit 0 ;; esac',
      caught: ['pause-freezes', 'pause-created', 'resume-running', 'pause-exec'],
    },
    'figures-lost': {
      does: 'has no figures',
      script: 'case $3 in events) davit "$@" | sed -E \'s/"limit": *77/"limit":0/\'; exit ;; esac',
      caught: ['events-stats'],
    },
    'forced-in-vain': {
      does: 'leaves a paused container, though it is to delete by force',
      script: `
if [ "$verb" = delete ] && grep -q 'sleep 300 & sleep 300"' "$2/../$last/config.json" 2>/dev/null && [ ! -e "$0.$last" ]; then
  : >"$0.$last"
  exit 0
fi`,
      caught: ['pause-kill'],
    },
  },
}
