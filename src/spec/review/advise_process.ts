/** Advisories on the process and on environments. */
import { each } from '../rules/rule.ts'
import type { Advisory } from './advisory.ts'

const noProcess: Advisory = {
  name: 'no process',
  clause: 'config.md#process',
  requirement: 'REQUIRED',
  hint: 'add "process": {"cwd": "/", "args": ["/bin/sh"], "user": {"uid": 0, "gid": 0}}',
  reads: ['/process'],
  check({ process }, report) {
    if (!process) report('/process', 'missing: nothing can be started')
  },
}

const userIds: Advisory = {
  name: 'user ids',
  clause: 'config.md#posix-platform-user',
  requirement: 'REQUIRED',
  hint: 'say who the process runs as: "user": {"uid": 0, "gid": 0}',
  reads: ['/process/user'],
  check({ process }, report) {
    if (!process) return
    if (!process.user) return report('/process/user', 'missing: 0 is taken for uid and gid')
    for (const key of ['uid', 'gid'] as const) {
      if (process.user[key] === undefined) report(`/process/user/${key}`, 'missing: 0 is taken')
    }
  },
}

const ioPriorityLevel: Advisory = {
  name: 'io priority level',
  clause: 'config.md#linux-process',
  requirement: 'REQUIRED',
  hint: 'add a priority from 0 to 7',
  reads: ['/process/ioPriority'],
  check({ process }, report) {
    if (process?.ioPriority && process.ioPriority.priority === undefined)
      report('/process/ioPriority/priority', 'missing: 0, the highest, is taken')
  },
}

const HOOK_KINDS = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'] as const

const environment: Advisory = {
  name: 'environment',
  clause: 'config.md#process',
  hint: 'write NAME=value',
  reads: ['/process/env', '/hooks'],
  check({ process, hooks }, report) {
    const look = (env: readonly string[] | undefined, place: string) =>
      each(env, (entry, index) => {
        if (entry.indexOf('=') < 1) report(`${place}/${index}`, 'not of the form NAME=value')
      })
    look(process?.env, '/process/env')
    for (const kind of HOOK_KINDS) each(hooks?.[kind], ({ env }, index) => look(env, `/hooks/${kind}/${index}/env`))
  },
}

const consoleSize: Advisory = {
  name: 'console size',
  clause: 'config.md#process',
  hint: 'set terminal, or remove the size',
  reads: ['/process/consoleSize', '/process/terminal'],
  check({ process }, report) {
    if (process?.consoleSize && !process.terminal) report('/process/consoleSize', 'ignored without terminal')
  },
}

export const PROCESS_ADVISORIES: readonly Advisory[] = [noProcess, userIds, ioPriorityLevel, environment, consoleSize]
