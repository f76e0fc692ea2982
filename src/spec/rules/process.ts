/** Rules on process: what to run, limits, scheduling. */
import { parseCpuList } from '../../kernel/cpu_list.ts'
import { rlimitNumber } from '../../kernel/rlimits.ts'
import { larger } from '../numbers.ts'
import type { Scheduler } from '../types.gen.ts'
import { each, type Report, type Rule } from './rule.ts'

const command: Rule = {
  name: 'command',
  clause: 'config.md#process',
  severity: 'problem',
  reads: ['/process/args', '/process/cwd'],
  check({ process }, report) {
    if (process === undefined) return
    if (process.cwd === '') report('/process/cwd', 'cwd property must not be empty')
    else if (!process.cwd.startsWith('/')) report('/process/cwd', 'cwd must be an absolute path')
    if (process.args === undefined || process.args.length === 0) report('/process/args', 'args must not be empty')
    else if (process.args[0] === '') report('/process/args/0', 'the program to run must not be empty')
  },
}

/** KERNEL: struct winsize has 16 bits for each. */
const MAX_SIZE = 65535

const terminalSize: Rule = {
  name: 'terminal size',
  clause: 'config.md#process; ioctl_tty(2)',
  severity: 'problem',
  reads: ['/process/terminal', '/process/consoleSize'],
  check({ process }, report) {
    const size = process?.consoleSize
    // SPEC: it MUST be ignored without a terminal.
    if (size === undefined || !process?.terminal) return
    for (const key of ['height', 'width'] as const) {
      if (size[key] > MAX_SIZE)
        report(`/process/consoleSize/${key}`, `expected an integer from 0 to ${MAX_SIZE}, got ${size[key]}`)
    }
  },
}

const rlimits: Rule = {
  name: 'rlimits',
  clause: 'config.md#posix-process',
  severity: 'problem',
  reads: ['/process/rlimits'],
  check({ process }, report) {
    const seen = new Set<string>()
    each(process?.rlimits, ({ type, soft, hard }, index) => {
      const place = `/process/rlimits/${index}`
      if (rlimitNumber(type) === undefined) report(`${place}/type`, `invalid rlimit type ${JSON.stringify(type)}`)
      if (seen.has(type)) report(`${place}/type`, `duplicated rlimit type ${JSON.stringify(type)}`)
      if (soft > hard) report(`${place}/soft`, `the soft limit ${soft} is above the hard limit ${hard}`)
      seen.add(type)
    })
  },
}

const umask: Rule = {
  name: 'umask',
  clause: 'config.md#posix-platform-user',
  severity: 'problem',
  reads: ['/process/user/umask'],
  check({ process }, report) {
    const mask = process?.user?.umask
    if (mask !== undefined && mask > 0o777) report('/process/user/umask', `invalid umask ${mask}: bits beyond 0777`)
  },
}

const oomScoreAdj: Rule = {
  name: 'oom score',
  clause: 'config.md#linux-process; proc_pid_oom_score_adj(5)',
  severity: 'problem',
  reads: ['/process/oomScoreAdj'],
  check({ process }, report) {
    const score = process?.oomScoreAdj ?? 0
    if (score < -1000 || score > 1000) {
      report('/process/oomScoreAdj', `expected an integer from -1000 to 1000, got ${score}`)
    }
  },
}

/** runc's rules in its words, and what the kernel would only refuse when the container is half made. */
const scheduler: Rule = {
  name: 'scheduler',
  clause: 'config.md#linux-process; sched_setattr(2)',
  severity: 'problem',
  reads: ['/process/scheduler', '/hooks/startContainer'],
  check({ process, hooks }, report) {
    const wanted = process?.scheduler
    if (wanted === undefined) return
    const { policy, nice = 0, priority = 0 } = wanted
    // KERNEL: for the others nice is brought into its range and has no meaning.
    if ((policy === 'SCHED_OTHER' || policy === 'SCHED_BATCH') && (nice < -20 || nice > 19))
      report('/process/scheduler/nice', `invalid scheduler.nice: ${nice} when scheduler.policy is ${policy}`)
    const realtime = policy === 'SCHED_FIFO' || policy === 'SCHED_RR'
    if (realtime && (priority < 1 || priority > 99)) {
      report('/process/scheduler/priority', `${policy} needs a priority from 1 to 99, got ${priority}`)
    }
    if (!realtime && priority !== 0) {
      const message = 'scheduler.priority can only be specified for SchedFIFO or SchedRR policy'
      report('/process/scheduler/priority', message)
    }
    checkDeadline(wanted, (hooks?.startContainer ?? []).length > 0, report)
  },
}

function checkDeadline(wanted: Scheduler, forks: boolean, report: Report): void {
  const { policy, flags = [], runtime = 0, deadline = 0, period = 0 } = wanted
  if (policy !== 'SCHED_DEADLINE') {
    if (runtime === 0 && deadline === 0 && period === 0) return
    const message = 'scheduler runtime/deadline/period can only be specified for SchedDeadline policy'
    report('/process/scheduler', message)
    return
  }
  // KERNEL: sched(7); a period of 0 stands for the deadline.
  const ordered = runtime >= 1024 && runtime <= deadline && (period === 0 || deadline <= period)
  if (!ordered || larger(deadline, period) >= 2 ** 63)
    report('/process/scheduler', 'SCHED_DEADLINE needs 1024 <= runtime <= deadline <= period < 2^63 nanoseconds')
  if (forks && !flags.includes('SCHED_FLAG_RESET_ON_FORK')) {
    const message = 'SCHED_DEADLINE without SCHED_FLAG_RESET_ON_FORK cannot fork, so it cannot run startContainer hooks'
    report('/process/scheduler/flags', message)
  }
}

const ioPriority: Rule = {
  name: 'io priority',
  clause: 'config.md#linux-process; ioprio_set(2)',
  severity: 'problem',
  reads: ['/process/ioPriority'],
  check({ process }, report) {
    const priority = process?.ioPriority?.priority ?? 0
    if (priority < 0 || priority > 7) {
      report('/process/ioPriority/priority', `invalid ioPriority.Priority: ${priority}`)
    }
  },
}

const cpuAffinity: Rule = {
  name: 'cpu affinity',
  clause: 'config.md#linux-process; cpuset(7)',
  severity: 'problem',
  reads: ['/process/execCPUAffinity'],
  check({ process }, report) {
    if (process?.execCPUAffinity === undefined) return
    for (const key of ['initial', 'final'] as const) {
      // Empty is unset, as in runc.
      const list = process.execCPUAffinity[key] ?? ''
      const ranges = list === '' ? [] : parseCpuList(list)
      if (typeof ranges === 'string') report(`/process/execCPUAffinity/${key}`, `bad CPU affinity: ${ranges}`)
    }
  },
}

export const PROCESS_RULES: readonly Rule[] = [
  command,
  terminalSize,
  rlimits,
  umask,
  oomScoreAdj,
  scheduler,
  ioPriority,
  cpuAffinity,
]
