/** Scheduler, I/O priority, personality: what the kernel says of the container's process, and what is refused. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, getPriority } from 'node:os'
import { describe, expect, test } from 'vitest'
import { bundle, type Config, create, createStart, outputOf, tryCreate } from '../support/bundle.ts'
import { output } from '../support/exec.ts'
import { execIn, outputIn } from '../support/in_container.ts'
import { processStatus } from '../support/kernel.ts'
import { RUNTIME } from '../support/place.ts'
import { probePath } from '../support/probe.ts'
import { refused } from '../support/refusal.ts'
import { requires } from '../support/requires.ts'
import { must, state, stateRoot } from '../support/runtime.ts'

type Scheduler = NonNullable<Config['process']['scheduler']>

/** What the kernel says of a process: "policy=1 flags=0 nice=0 priority=7 times=0/0/0 io=0:0". */
const schedulingOf = async (pid: number) => (await output(await probePath(), ['scheduling', String(pid)])).trim()

/** KERNEL: it stays where a policy has none, and where parameters are to be kept. */
const OWN_NICE = getPriority()

const sleeper = (change: (config: Config) => void) =>
  bundle((config) => {
    config.process.args = ['/bin/sleep', '100']
    change(config)
  })

async function withScheduler(scheduler: Scheduler, change: (config: Config) => void = () => {}): Promise<string> {
  const made = await sleeper((config) => {
    config.process.scheduler = scheduler
    change(config)
  })
  return schedulingOf((await createStart(made)).pid)
}

/** On cgroup v1 with CONFIG_RT_GROUP_SCHED a cgroup has no real-time at all until it is given some. */
const realtime = (config: Config) => {
  config.linux.resources = {
    ...config.linux.resources,
    cpu: { ...config.linux.resources?.cpu, realtimePeriod: 1_000_000, realtimeRuntime: 10_000 },
  }
}

describe.runIf(requires('root'))('the scheduler', () => {
  test.each<[Scheduler, string]>([
    [{ policy: 'SCHED_OTHER', nice: 7 }, 'policy=0 flags=0 nice=7 priority=0'],
    [{ policy: 'SCHED_OTHER', nice: -11 }, 'policy=0 flags=0 nice=-11 priority=0'],
    [{ policy: 'SCHED_BATCH', nice: -20 }, 'policy=3 flags=0 nice=-20 priority=0'],
    [{ policy: 'SCHED_IDLE' }, `policy=5 flags=0 nice=${OWN_NICE} priority=0`],
    [{ policy: 'SCHED_BATCH', flags: ['SCHED_FLAG_RESET_ON_FORK'] }, 'policy=3 flags=1 nice=0 priority=0'],
  ])('%o', async (scheduler, expected) => {
    expect(await withScheduler(scheduler)).toContain(`${expected} times`)
  })

  test.each<[Scheduler, string]>([
    [{ policy: 'SCHED_FIFO', priority: 42 }, 'policy=1 flags=0 nice=0 priority=42 '],
    [{ policy: 'SCHED_RR', priority: 1, flags: ['SCHED_FLAG_RESET_ON_FORK'] }, 'policy=2 flags=1 nice=0 priority=1 '],
  ])('%o', async (scheduler, expected) => {
    expect(await withScheduler(scheduler, realtime)).toContain(expected)
  })

  test('a deadline', async () => {
    const scheduler: Scheduler = {
      policy: 'SCHED_DEADLINE',
      runtime: 2_000_000,
      deadline: 50_000_000,
      period: 100_000_000,
    }
    const text = await withScheduler(
      { ...scheduler, flags: ['SCHED_FLAG_RESET_ON_FORK', 'SCHED_FLAG_RECLAIM'] },
      (config) => {
        delete config.linux.resources?.cpu
      },
    )
    expect(text).toContain('policy=6 flags=3 nice=0 priority=0 times=2000000/50000000/100000000')
  })

  test('a deadline with every flag that is its own', async () => {
    const times = { runtime: 2_000_000, deadline: 50_000_000 }
    const flags = ['SCHED_FLAG_RESET_ON_FORK', 'SCHED_FLAG_RECLAIM', 'SCHED_FLAG_DL_OVERRUN'] as const
    const text = await withScheduler({ policy: 'SCHED_DEADLINE', ...times, flags: [...flags] }, (config) => {
      delete config.linux.resources?.cpu
    })
    // Without a period the deadline is one.
    expect(text).toContain('policy=6 flags=7 nice=0 priority=0 times=2000000/50000000/50000000')
  })

  test.each<[Scheduler, string]>([
    // What is kept is what davit's own process has; to the kernel the policy is one of the parameters.
    [{ policy: 'SCHED_BATCH', nice: 5, flags: ['SCHED_FLAG_KEEP_POLICY'] }, 'policy=0 flags=0 nice=5'],
    [{ policy: 'SCHED_BATCH', nice: 5, flags: ['SCHED_FLAG_KEEP_PARAMS'] }, `policy=0 flags=0 nice=${OWN_NICE}`],
  ])('%o', async (scheduler, expected) => {
    expect(await withScheduler(scheduler)).toContain(`${expected} priority=0`)
  })

  test.each(['SCHED_FLAG_UTIL_CLAMP_MIN', 'SCHED_FLAG_UTIL_CLAMP_MAX'] as const)('%s', async (flag) => {
    const made = await sleeper((config) => {
      config.process.scheduler = { policy: 'SCHED_BATCH', flags: [flag] }
    })
    const { code, stderr } = await tryCreate(made)
    // A kernel that cannot clamp (CONFIG_UCLAMP_TASK) says so; nothing ignores it.
    expect(code).toBe(existsSync('/proc/sys/kernel/sched_util_clamp_min') ? 0 : 1)
    if (code === 0) expect(await schedulingOf((await state(made.id)).pid)).toContain('policy=3')
    else
      expect(stderr).toMatch(/set the scheduler to SCHED_BATCH, from \/process\/scheduler: .*operation not supported/)
  })

  test('is set in a created container, for an ordinary user without capabilities too', async () => {
    const made = await sleeper((config) => {
      config.process.scheduler = { policy: 'SCHED_BATCH', nice: -5 }
      config.process.ioPriority = { class: 'IOPRIO_CLASS_RT', priority: 3 }
      config.process.user = { uid: 1000, gid: 1000 }
      config.process.capabilities = {}
    })
    await create(made)
    const { pid } = await state(made.id)
    expect(await schedulingOf(pid)).toMatch(/^policy=3 flags=0 nice=-5 .* io=1:3$/)
    await must(['start', made.id])
    expect(await schedulingOf(pid)).toMatch(/^policy=3 flags=0 nice=-5 .* io=1:3$/)
  })

  test('what the kernel refuses is told with its place, and leaves nothing', async () => {
    const made = await sleeper((config) => {
      // KERNEL: sched_deadline_period_max_us, four seconds.
      config.process.scheduler = { policy: 'SCHED_DEADLINE', runtime: 1e6, deadline: 1e10, period: 1e10 }
    })
    expect(await refused(made)).toMatch(
      /set the scheduler to SCHED_DEADLINE, from \/process\/scheduler: sched_setattr .*: invalid argument$/,
    )
  })

  test.runIf(cpus().length > 1)('a deadline does not go with a cpuset of some CPUs, and is told why', async () => {
    const made = await sleeper((config) => {
      config.process.scheduler = { policy: 'SCHED_DEADLINE', runtime: 1e6, deadline: 1e8, period: 1e8 }
      config.linux.resources = { ...config.linux.resources, cpu: { cpus: '0' } }
    })
    expect(await refused(made)).toContain('cannot be used together with a cpuset')
  })

  test.runIf(requires('cgroup1'))('a cgroup without real-time grants none, and is told why', async () => {
    const made = await sleeper((config) => {
      config.process.scheduler = { policy: 'SCHED_FIFO', priority: 1 }
    })
    expect(await refused(made)).toContain('on cgroup v1 a realtimeRuntime in /linux/resources/cpu')
  })
})

describe.runIf(requires('root'))('the I/O priority', () => {
  test.each([
    ['IOPRIO_CLASS_RT', 0, '1:0'],
    ['IOPRIO_CLASS_BE', 6, '2:6'],
    ['IOPRIO_CLASS_IDLE', undefined, '3:0'],
    ['IOPRIO_CLASS_IDLE', 7, '3:7'],
  ] as const)('%s %s', async (name, priority, expected) => {
    const made = await sleeper((config) => {
      config.process.ioPriority = { class: name, ...(priority === undefined ? {} : { priority }) }
    })
    expect(await schedulingOf((await createStart(made)).pid)).toMatch(new RegExp(` io=${expected}$`))
  })
})

describe.runIf(requires('root'))('the personality', () => {
  test.each([
    ['LINUX', '00000000'],
    ['LINUX32', '00000008'],
  ] as const)('%s', async (domain, shown) => {
    const made = await sleeper((config) => {
      config.linux.personality = { domain }
    })
    const { pid } = await createStart(made)
    expect(readFileSync(`/proc/${pid}/personality`, 'utf8').trim()).toBe(shown)
  })

  test.runIf(process.arch === 'x64')('LINUX32 has uname say so', async () => {
    const uname = (domain: 'LINUX' | 'LINUX32') =>
      outputOf('uname -m', (config) => {
        config.linux.personality = { domain }
      })
    expect(await uname('LINUX32')).toBe('i686\n')
    expect(await uname('LINUX')).toBe('x86_64\n')
  })
})

describe.runIf(requires('root') && cpus().length > 1)('the CPUs of exec', () => {
  const allowed = (id: string, ...flags: string[]) =>
    outputIn(id, 'grep Cpus_allowed_list /proc/self/status', flags).then((text) => text.split(/\s+/)[1])
  const all = `0-${cpus().length - 1}`
  const running = async (affinity: Config['process']['execCPUAffinity']) => {
    const made = await sleeper((config) => {
      if (affinity) config.process.execCPUAffinity = affinity
    })
    const { pid } = await createStart(made)
    // They are none of the first process.
    expect(processStatus(pid).Cpus_allowed_list).toBe(all)
    return made
  }

  test.each([
    [undefined, all],
    [{ initial: '0' }, '0'],
    [{ final: '1' }, '1'],
    [{ initial: '0', final: '1' }, '1'],
    [{ initial: '1', final: '0-1,9999' }, '0-1'],
  ])('%o', async (affinity, expected) => {
    expect(await allowed((await running(affinity)).id)).toBe(expected)
  })

  test('of a process file come before the container’s', async () => {
    const made = await running({ final: '0' })
    writeFileSync(
      `${made.path}/process.json`,
      JSON.stringify({
        cwd: '/',
        args: ['grep', 'Cpus_allowed_list', '/proc/self/status'],
        env: ['PATH=/bin'],
        execCPUAffinity: { final: '1' },
      }),
    )
    expect(await must(['exec', '--process', `${made.path}/process.json`, made.id])).toMatch(/\t1\n$/)
  })

  test('that are not there are an error, with its place', async () => {
    const made = await running({ final: '4096' })
    expect(await execIn(made.id, 'true')).toMatchObject({
      code: 255,
      stderr: expect.stringContaining(
        'set the final CPU affinity to 4096, from /process/execCPUAffinity/final: sched_setaffinity to 4096: invalid argument',
      ),
    })
  })

  test('are set before anything is joined, and after', async () => {
    const made = await running({ initial: '0', final: '1' })
    const trace = `${made.path}/trace`
    const line = ['-f', '-o', trace, '-e', 'trace=sched_setaffinity,setns', RUNTIME, '--root', stateRoot(), 'exec']
    await output('strace', [...line, made.id, 'true'])
    const calls = readFileSync(trace, 'utf8').match(/(sched_setaffinity\(\d+, \d+, \[[^\]]*\]|setns)/g) ?? []
    expect(calls.slice(-3)).toEqual(['sched_setaffinity(0, 8, [0]', 'sched_setaffinity(0, 8, [1]', 'setns'])
  })
})

describe.runIf(requires('root'))('exec', () => {
  test('gives what create gives: scheduler, I/O priority, personality', async () => {
    const made = await sleeper((config) => {
      config.process.scheduler = { policy: 'SCHED_BATCH', nice: 4 }
      config.process.ioPriority = { class: 'IOPRIO_CLASS_BE', priority: 5 }
      config.linux.personality = { domain: 'LINUX32' }
    })
    await createStart(made)
    await must(['exec', '-d', '--pid-file', `${made.path}/pid`, made.id, 'sleep', '100'], {
      output: `${made.path}/out`,
    })
    const pid = Number(readFileSync(`${made.path}/pid`, 'utf8'))
    expect(await schedulingOf(pid)).toMatch(/^policy=3 flags=0 nice=4 .* io=2:5$/)
    expect(readFileSync(`/proc/${pid}/personality`, 'utf8').trim()).toBe('00000008')
  })
})
