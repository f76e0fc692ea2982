/** config-linux.md: resources that are refused, and unified. */
import { cgroupFile, needController } from '../cgroups.ts'
import { refuses } from '../declare.ts'
import { pidOf } from '../look.ts'
import { type Case, expectSame, HostCannot } from '../suite.ts'
import { LIMITS } from './cgroup_resources.ts'

const MEMORY = 'config-linux.md#memory'
const CPU = 'config-linux.md#cpu'
const BLKIO = 'config-linux.md#block-io'

/** A create that fails late leaves cgroups behind. */
export const LEAVES: NonNullable<Case['deviations']> = {
  crun: { seen: '1.8.1', only: ['cgroupfs'], why: 'leaves the cgroups of a container that it could not make' },
}

const UNTYPED = { crun: { seen: '1.8.1', why: 'takes a string for a number' } }

const refused = (
  id: string,
  clause: string,
  asks: string,
  resources: Record<string, unknown>,
  covers: string[],
  more: Pick<Case, 'deviations'> & { needs?: () => string | undefined } = {},
) => refuses([`cgroup-${id}`, clause, asks, ...covers], { linux: { resources } }, more)

const WRONG: readonly Case[] = [
  refused(
    'unified-unknown-controller',
    'config-linux.md#unified',
    'a controller that is not present MUST be an error',
    { unified: { 'nosuch.max': '1' } },
    ['linux-unified-03'],
    { deviations: LEAVES },
  ),
  refused(
    'cpu-cpus-none',
    CPU,
    'CPUs that the machine does not have are an error',
    { cpu: { cpus: '4095' } },
    ['runtime-create-07'],
    { needs: () => lackOf('cpuset'), deviations: LEAVES },
  ),
  refused(
    'cpu-cpus-no-list',
    CPU,
    'what is no list of CPUs is an error',
    { cpu: { cpus: 'one' } },
    ['config-valid-01'],
    { needs: () => lackOf('cpuset'), deviations: LEAVES },
  ),
  refused(
    'memory-limit-string',
    MEMORY,
    'a limit that is no number is an error',
    { memory: { limit: '64m' } },
    ['config-valid-01'],
    { deviations: UNTYPED },
  ),
  refused(
    'pids-limit-string',
    'config-linux.md#pids',
    'a limit that is no number is an error',
    { pids: { limit: 'max' } },
    ['config-valid-01'],
    { deviations: UNTYPED },
  ),
  refused(
    'blkio-no-device',
    BLKIO,
    'a throttle of a device that does not exist is an error',
    { blockIO: { throttleReadBpsDevice: [{ major: 4094, minor: 77, rate: 1 }] } },
    ['runtime-create-07'],
    { needs: () => lackOf('blkio') && lackOf('io'), deviations: LEAVES },
  ),
]

function lackOf(controller: string): string | undefined {
  try {
    needController(controller)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

const UNIFIED: readonly Case[] = (
  [
    ['pids.max', '17', 'pids'],
    ['memory.high', '67108864', 'memory'],
    ['cpu.weight', '77', 'cpu'],
    ['cgroup.max.depth', '3', 'pids'],
  ] as const
).map(([file, text, controller]) => ({
  id: `cgroup-unified-${file}`,
  clause: 'config-linux.md#unified',
  asks: 'a key of unified is written to the file of that name, and its controller is enabled',
  covers: ['linux-unified-01', 'linux-unified-02'],
  test(subject) {
    if (needController(controller).version === 1) throw new HostCannot(`${controller} is a controller of cgroup v1`)
    const bundle = subject.bundle('sleep 100', (config) => {
      Object.assign(config.linux, { resources: { unified: { [file]: text } } })
    })
    subject.run(bundle)
    expectSame(cgroupFile(subject, pidOf(subject, bundle.id), controller, file), `${text}\n`, file)
  },
}))

export const CGROUPS: readonly Case[] = [...LIMITS, ...WRONG, ...UNIFIED]
