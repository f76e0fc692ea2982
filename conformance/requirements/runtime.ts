/** runtime.md and runtime-linux.md */
import { section } from './requirement.ts'

export const RUNTIME = [
  ...section('runtime.md#scope-of-a-container', {
    'runtime-scope-01': [
      'MUST',
      'runtime',
      'whoever made a container with a runtime can use the other operations on it',
    ],
  }),
  ...section('runtime.md#state', {
    'runtime-state-01': ['REQUIRED', 'runtime', 'the state has ociVersion'],
    'runtime-state-02': ['REQUIRED', 'runtime', 'the state has the id'],
    'runtime-state-03': ['MUST', 'runtime', 'an id is used once on a host'],
    'runtime-state-04': ['REQUIRED', 'runtime', 'the state has a status'],
    'runtime-state-05': [
      'MUST',
      'runtime',
      'a status beside the four defined ones stands for something else than they do',
    ],
    'runtime-state-06': ['REQUIRED', 'runtime', 'the state has the pid while the container is created or running'],
    'runtime-state-07': ['REQUIRED', 'runtime', 'the state has the absolute path of the bundle'],
    'runtime-state-08': ['MUST', 'runtime', 'the state as JSON keeps to its schema'],
  }),
  ...section('runtime.md#lifecycle', {
    'runtime-lifecycle-01': ['MUST', 'runtime', 'the environment is made as config.json says'],
    'runtime-lifecycle-02': ['MUST', 'runtime', 'an environment that cannot be made is an error'],
    'runtime-lifecycle-03': ['MUST', 'runtime', 'what config.json asks for is there after create'],
    'runtime-lifecycle-04': ['MUST NOT', 'runtime', 'create does not run the program'],
    'runtime-lifecycle-05': [
      'MUST NOT',
      'runtime',
      'changes of config.json after create have no effect on the container',
    ],
    'runtime-lifecycle-06': ['MUST', 'runtime', 'prestart hooks are called'],
    'runtime-lifecycle-07': ['MUST', 'runtime', 'a prestart hook that fails is an error and ends the container'],
    'runtime-lifecycle-08': ['MUST', 'runtime', 'createRuntime hooks are called'],
    'runtime-lifecycle-09': ['MUST', 'runtime', 'a createRuntime hook that fails is an error and ends the container'],
    'runtime-lifecycle-10': ['MUST', 'runtime', 'createContainer hooks are called'],
    'runtime-lifecycle-11': ['MUST', 'runtime', 'a createContainer hook that fails is an error and ends the container'],
    'runtime-lifecycle-12': ['MUST', 'runtime', 'startContainer hooks are called'],
    'runtime-lifecycle-13': ['MUST', 'runtime', 'a startContainer hook that fails is an error and ends the container'],
    'runtime-lifecycle-14': ['MUST', 'runtime', 'start runs the program of process'],
    'runtime-lifecycle-15': ['MUST', 'runtime', 'poststart hooks are called'],
    'runtime-lifecycle-16': ['MUST', 'runtime', 'a poststart hook that fails is an error and ends the container'],
    'runtime-lifecycle-17': ['MUST', 'runtime', 'destroying undoes what create did'],
    'runtime-lifecycle-18': ['MUST', 'runtime', 'poststop hooks are called'],
    'runtime-lifecycle-19': ['MUST', 'runtime', 'a poststop hook that fails is a warning; the rest goes on'],
  }),
  ...section('runtime.md#errors', {
    'runtime-errors-01': ['MUST', 'runtime', 'after an error all is as it was before the operation'],
  }),
  ...section('runtime.md#warnings', {
    'runtime-warnings-01': ['MUST', 'runtime', 'a warning does not change what the operation does'],
  }),
  ...section('runtime.md#operations', {
    'runtime-operations-01': ['MUST', 'runtime', 'state, create, start, kill and delete are there'],
  }),
  ...section('runtime.md#query-state', {
    'runtime-query-01': ['MUST', 'runtime', 'state without an id is an error'],
    'runtime-query-02': ['MUST', 'runtime', 'state of a container that does not exist is an error'],
    'runtime-query-03': ['MUST', 'runtime', 'state returns the state as the State section describes it'],
  }),
  ...section('runtime.md#create', {
    'runtime-create-01': ['MUST', 'runtime', 'create without a bundle or without an id is an error'],
    'runtime-create-02': ['MUST', 'runtime', 'an id that is in use or invalid is an error'],
    'runtime-create-03': ['MUST NOT', 'runtime', 'an id that is in use or invalid gets no container'],
    'runtime-create-04': ['MUST', 'runtime', 'create makes a new container'],
    'runtime-create-05': ['MUST', 'runtime', 'every property but process is applied by create'],
    'runtime-create-06': ['MUST NOT', 'runtime', 'process.args is not applied before start'],
    'runtime-create-07': ['MUST', 'runtime', 'a property that cannot be applied is an error'],
    'runtime-create-08': ['MUST NOT', 'runtime', 'a property that cannot be applied leaves no container'],
  }),
  ...section('runtime.md#start', {
    'runtime-start-01': ['MUST', 'runtime', 'start without an id is an error'],
    'runtime-start-02': ['MUST', 'runtime', 'start has no effect on a container that is not created'],
    'runtime-start-03': ['MUST', 'runtime', 'start of a container that is not created is an error'],
    'runtime-start-04': ['MUST', 'runtime', 'start runs the program that process names'],
    'runtime-start-05': ['MUST', 'runtime', 'start without process is an error'],
  }),
  ...section('runtime.md#kill', {
    'runtime-kill-01': ['MUST', 'runtime', 'kill without an id is an error'],
    'runtime-kill-02': ['MUST', 'runtime', 'kill has no effect on a container that is neither created nor running'],
    'runtime-kill-03': ['MUST', 'runtime', 'kill of a container that is neither created nor running is an error'],
    'runtime-kill-04': ['MUST', 'runtime', 'kill sends the signal to the process of the container'],
  }),
  ...section('runtime.md#delete', {
    'runtime-delete-01': ['MUST', 'runtime', 'delete without an id is an error'],
    'runtime-delete-02': ['MUST', 'runtime', 'delete has no effect on a container that is not stopped'],
    'runtime-delete-03': ['MUST', 'runtime', 'delete of a container that is not stopped is an error'],
    'runtime-delete-04': ['MUST', 'runtime', 'delete removes what create made'],
    'runtime-delete-05': ['MUST NOT', 'runtime', 'delete leaves alone what the container uses and did not make'],
  }),
]

export const RUNTIME_LINUX = [
  ...section('runtime-linux.md#dev-symbolic-links', {
    'runtime-linux-links-01': ['MUST', 'runtime', '/dev/fd, stdin, stdout and stderr are links into /proc/self/fd'],
  }),
]
