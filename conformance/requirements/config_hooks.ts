/** config.md: hooks. */
import { type Row, section } from './requirement.ts'

const WHERE = {
  runtime: ['runtime', 'in the namespaces of the runtime'],
  container: ['container', 'in the namespaces of the container'],
} as const

/** Where the executable of a hook is looked for, and where it is run: the same two rules stand in two sections. */
const place = (
  key: string,
  kind: string,
  path: keyof typeof WHERE,
  run: keyof typeof WHERE,
): Readonly<Record<string, Row>> => ({
  [`config-hooks-${key}-path`]: ['MUST', 'runtime', `the path of ${kind} hooks is one ${WHERE[path][1]}`],
  [`config-hooks-${key}-run`]: ['MUST', 'runtime', `${kind} hooks are run ${WHERE[run][1]}`],
})

/** The same rules once more, where they stand in the list of fields. */
const listed = (rows: Readonly<Record<string, Row>>) =>
  Object.fromEntries(Object.entries(rows).map(([id, row]) => [`${id}-listed`, row]))

const PLACES = {
  prestart: place('prestart', 'prestart', 'runtime', 'runtime'),
  createRuntime: place('createRuntime', 'createRuntime', 'runtime', 'runtime'),
  createContainer: place('createContainer', 'createContainer', 'runtime', 'container'),
  startContainer: place('startContainer', 'startContainer', 'container', 'container'),
  poststart: place('poststart', 'poststart', 'runtime', 'runtime'),
  poststop: place('poststop', 'poststop', 'runtime', 'runtime'),
}

export const HOOKS = [
  ...section('config.md#posix-platform-hooks', {
    'config-hooks-01': ['REQUIRED', 'config', 'a prestart hook has a path'],
    'config-hooks-02': ['MUST', 'config', 'the path of a prestart hook is absolute'],
    'config-hooks-03': ['MUST', 'config', 'the timeout of a prestart hook is above zero'],
    'config-hooks-04': ['REQUIRED', 'config', 'a createRuntime hook has a path'],
    'config-hooks-05': ['MUST', 'config', 'the path of a createRuntime hook is absolute'],
    'config-hooks-06': ['MUST', 'config', 'the timeout of a createRuntime hook is above zero'],
    ...listed(PLACES.prestart),
    ...listed(PLACES.createRuntime),
    ...listed(PLACES.createContainer),
    ...listed(PLACES.startContainer),
    ...listed(PLACES.poststart),
    ...listed(PLACES.poststop),
    'config-hooks-07': ['MUST', 'runtime', 'hooks are called in the listed order'],
    'config-hooks-08': ['MUST', 'runtime', 'hooks get the state of the container on stdin'],
  }),
  ...section('config.md#prestart', {
    'config-hooks-prestart-01': ['MUST', 'runtime', 'prestart hooks are called by create, before the root is changed'],
    'config-hooks-prestart-02': ['MUST', 'runtime', 'prestart hooks are called before createRuntime hooks'],
    ...PLACES.prestart,
  }),
  ...section('config.md#createruntime-hooks', {
    'config-hooks-createRuntime-01': [
      'MUST',
      'runtime',
      'createRuntime hooks are called by create, before the root is changed',
    ],
    ...PLACES.createRuntime,
  }),
  ...section('config.md#createcontainer-hooks', {
    'config-hooks-createContainer-01': [
      'MUST',
      'runtime',
      'createContainer hooks are called by create, before the root is changed',
    ],
    'config-hooks-createContainer-02': [
      'MUST',
      'runtime',
      'createContainer hooks are called after createRuntime hooks',
    ],
    ...PLACES.createContainer,
  }),
  ...section('config.md#startcontainer-hooks', {
    'config-hooks-startContainer-01': [
      'MUST',
      'runtime',
      'startContainer hooks are called by start, before the program',
    ],
    ...PLACES.startContainer,
  }),
  ...section('config.md#poststart', {
    'config-hooks-poststart-01': [
      'MUST',
      'runtime',
      'poststart hooks are called after the program, before start returns',
    ],
    ...PLACES.poststart,
  }),
  ...section('config.md#poststop', {
    'config-hooks-poststop-01': [
      'MUST',
      'runtime',
      'poststop hooks are called when the container has been deleted, before delete returns',
    ],
    ...PLACES.poststop,
  }),
]
