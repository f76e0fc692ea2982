/** What faulty runtimes do to seccomp filters and their agents, and the cases that are to catch them. */
import { type Fault, spoil } from './fake_runtime.ts'

const named = (names: string) => names.split(' ').map((name) => `seccomp-${name}`)
const OPERATORS = 'op-ne op-lt op-le op-eq op-ge op-gt op-masked-eq args-all'
const FLAGS = 'flag-log flag-spec-allow flag-tsync'
const NONSENSE = 'op-unknown index-high flag-unknown arch-unknown'
const groups = ['seccomp']

export const FAULTS_SECCOMP: Readonly<Record<string, Fault>> = {
  'operators-equal': {
    does: 'compares arguments of system calls for equality only',
    script: spoil('s/SCMP_CMP_[A-Z_]+/SCMP_CMP_EQ/g'),
    groups,
    caught: named('op-ne op-lt op-le op-ge op-gt op-masked-eq args-all op-unknown'),
  },
  'no-filter': {
    does: 'loads no filter',
    script: spoil('s/"seccomp":/"ignored":/'),
    groups,
    caught: [
      ...named('action-allow action-errno action-kill action-kill-thread action-kill-process action-trap action-trace'),
      ...named(`action-log default-action default-no-errno errno-no-errno names-unknown children ${OPERATORS}`),
      ...named(`${FLAGS} ${NONSENSE} notify-state notify-nobody notify-each notify-metadata-none`),
    ],
  },
  'arguments-ignored': {
    does: 'takes an entry for every call of its names, whatever the arguments',
    script: spoil('s/,"args":\\[[^]]*\\]//g'),
    groups,
    caught: named(`action-allow op-unknown index-high ${OPERATORS}`),
  },
  'errno-lost': {
    does: 'forgets the error that is asked for',
    script: spoil('s/"errnoRet":[0-9]+,?//g; s/,\\}/}/g'),
    groups,
    caught: named(`action-allow errno-no-errno names-unknown ${FLAGS} ${OPERATORS}`),
  },
}
