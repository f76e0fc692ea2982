/** Classes of resctrl, on a file system that does as resctrl does: $RESCTRL is where it is. */
import { type Faulty, named } from './faulty.ts'

/** What the class "ID-class" is made with: all of the cache, and one way less. */
const ALL = 'L3:0=7ff;1=7ff'
const LESS = 'L3:0=3ff;1=3ff'
const CLASS = '"closID":"[^"/]*"'

/** Before or after create, where the configuration has this. */
const create = (has: string, before: string, after = ':') => `
if [ "$verb" = create ] && grep -q '${has}' "$bundle/config.json"; then
  ${before}
  davit "$@" || exit
  ${after}
  exit 0
fi`

export const INTEL_RDT: Faulty = {
  groups: ['intel-rdt'],
  faults: {
    'schema-of-its-own': {
      does: 'gives a class of its own another schema',
      sed: `s/"intelRdt":\\{"l3CacheSchema":"${LESS}"/"intelRdt":{"l3CacheSchema":"L3:0=1"/`,
      caught: ['intel-rdt-own-class'],
    },
    'class-taken-away': {
      does: 'takes a class away that it was told the name of',
      script: `
if [ "$verb" = delete ] && grep -q '${CLASS},"l3CacheSchema":"${ALL}"' "$2/../$last/config.json"; then
  davit "$@" || exit
  rmdir "$RESCTRL/$last-class"
  exit 0
fi`,
      caught: ['intel-rdt-class-made'],
    },
    'difference-missed': {
      does: 'joins a class with another schema than it is asked for',
      sed: `s/(${CLASS}),"l3CacheSchema":"${LESS}"/\\1/`,
      caught: ['intel-rdt-class-differs'],
    },
    'class-changed': {
      does: 'changes the schemata of a class that it joins, and makes one that is not there',
      script: create(
        `"intelRdt":{${CLASS}}`,
        '[ -d "$RESCTRL/$last-class" ] || mkdir "$RESCTRL/$last-class"',
        'echo "L3:0=1" >"$RESCTRL/$last-class/schemata"',
      ),
      caught: named('intel-rdt-class-', 'joined missing'),
    },
    'default-elsewhere': {
      does: 'takes the default class for one like any other',
      sed: `s/"closID":"\\/"\\}/"closID":"default","l3CacheSchema":"${ALL}"}/`,
      caught: ['intel-rdt-class-default'],
    },
    'schemata-first': {
      does: 'leaves it at the two schemas',
      sed: 's/,"schemata":\\[[^]]*\\]//',
      caught: ['intel-rdt-schemata-last'],
    },
    'class-unasked': {
      does: 'makes a class for whom nobody asks for one',
      script: `
if [ "$verb" = create ] && ! grep -q intelRdt "$bundle/config.json"; then mkdir "$RESCTRL/$last-unasked"; fi`,
      caught: ['intel-rdt-left-alone'],
    },
    'monitoring-forgotten': {
      does: 'makes no monitoring groups',
      sed: 's/,"enableMonitoring":true//',
      caught: named('intel-rdt-', 'monitoring monitoring-fails'),
    },
  },
}
