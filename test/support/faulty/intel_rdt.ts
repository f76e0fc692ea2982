/** Classes of resctrl: what a guest has whose kernel takes the processor for one with RDT (test/vm/resctrl.ts). */
import { readFileSync } from 'node:fs'
import type { Need } from '../requires.ts'
import { type Faulty, named } from './faulty.ts'

/** The processors of all but a few machines have none. */
const RESCTRL: Need = {
  name: 'resctrl',
  optional: true,
  met: () => / resctrl /.test(readFileSync('/proc/mounts', 'utf8')),
}

const CLASS = '"closID":"[^"/]*"'

/** For grep: the configuration has this. */
const has = (text: string) => `grep -q '${text}' "$2/../$last/config.json" 2>/dev/null`

export const INTEL_RDT: Faulty = {
  groups: ['intel-rdt'],
  needs: [RESCTRL],
  faults: {
    // First: what follows asks where it is.
    'schema-of-its-own': {
      does: 'gives a class of its own another schema',
      script: `resctrl=$(sed -n 's/^[^ ]* \\([^ ]*\\) resctrl .*/\\1/p' /proc/mounts)`,
      sed: 's/"intelRdt":\\{"l3CacheSchema":"(L3:[0-9]+)=[^"]*"/"intelRdt":{"l3CacheSchema":"\\1=3"/',
      caught: ['intel-rdt-own-class'],
    },
    'class-taken-away': {
      does: 'takes a class away that it was told the name of',
      script: `
if [ "$verb" = delete ] && ${has(`${CLASS},"l3CacheSchema"`)}; then
  davit "$@" || exit
  rmdir "$resctrl/$last-class"
  exit 0
fi`,
      caught: ['intel-rdt-class-made'],
    },
    'class-changed': {
      does: 'changes the schemata of a class that it joins, and makes one that is not there',
      script: `
if [ "$verb" = create ] && ${has(`"intelRdt":{${CLASS}}`)}; then
  [ -d "$resctrl/$last-class" ] || mkdir "$resctrl/$last-class"
  sed -n 's/^ *\\(L3:[0-9]*\\)=.*/\\1=3/p' "$resctrl/schemata" >"$resctrl/$last-class/schemata"
fi`,
      caught: named('intel-rdt-class-', 'joined missing'),
    },
    'class-unasked': {
      does: 'makes a class for whom nobody asks for one',
      script: `
if [ -d "$2/../$last" ] && ! ${has('intelRdt')}; then
  case $verb in
  create) mkdir "$resctrl/$last-unasked" ;;
  delete) rmdir "$resctrl/$last-unasked" ;;
  esac
fi`,
      caught: ['intel-rdt-left-alone'],
    },
    'default-elsewhere': {
      does: 'takes the default class for one like any other',
      script: `
if ${has('"closID":"/"}')}; then
  case $verb in
  create)
    mkdir "$resctrl/$last-default"
    sed -i 's|"closID":"/"|"closID":"'"$last"'-default"|' "$bundle/config.json" ;;
  esac
fi`,
      caught: ['intel-rdt-class-default'],
    },
    'difference-missed': {
      does: 'joins a class with another schema than it is asked for',
      script: `
if [ "$verb" = create ] && [ -d "$resctrl/$last-class" ]; then
  sed -i -E 's/(${CLASS}),"l3CacheSchema":"[^"]*"/\\1/' "$bundle/config.json"
fi`,
      caught: ['intel-rdt-class-differs'],
    },
    'schemata-first': {
      does: 'leaves it at the two schemas',
      sed: 's/,"schemata":\\[[^]]*\\]//',
      caught: ['intel-rdt-schemata-last'],
    },
    'monitoring-forgotten': {
      does: 'makes no monitoring groups',
      sed: 's/,"enableMonitoring":true//',
      caught: named('intel-rdt-', 'monitoring monitoring-fails'),
    },
  },
}
