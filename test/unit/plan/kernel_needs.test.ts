/** Kernels that lack what a configuration asks for: an error that names the version, or a plan that does without. */
import { expect, test } from 'vitest'
import { buildPlan } from '../../../src/plan/build.ts'
import type { Plan } from '../../../src/plan/step.ts'
import type { Json } from '../spec/configs.ts'
import { inputOf, planInput } from './base.ts'

type Kernel = readonly [number, number]
const KERNELS: readonly Kernel[] = [
  [5, 10],
  [5, 11],
  [5, 12],
  [5, 13],
  [5, 14],
  [5, 15],
  [6, 1],
  [6, 3],
  [6, 6],
  [6, 8],
  [6, 9],
  [6, 12],
  [6, 13],
  [6, 18],
  [7, 3],
]
const ids = [{ containerID: 0, hostID: 5, size: 1 }]
const LONG = `/${'l'.repeat(200)}/${'m'.repeat(200)}`

const mount = (options: string[], more: object = {}): Json => ({
  mounts: [{ destination: '/a', type: 'tmpfs', source: 'tmpfs', options, ...more }],
})
const overlay = (...options: string[]) => mount(options, { type: 'overlay' })

/** What it is, the first kernel that has it, the configuration, where it is refused, and in which words. */
const NEEDS: readonly (readonly [what: string, since: Kernel, config: Json, pointer: string, words: string])[] = [
  ['mounts', [5, 12], {}, '/linux/namespaces/4', 'mounts, by mount_setattr(2)'],
  ['nosymfollow', [5, 14], mount(['nosymfollow']), '/mounts/0/options', 'the option "nosymfollow"'],
  ['rnosymfollow', [5, 14], mount(['rbind', 'rnosymfollow']), '/mounts/0/options', 'the option "nosymfollow"'],
  ['symfollow', [5, 14], mount(['rbind', 'symfollow']), '/mounts/0/options', 'the option "nosymfollow"'],
  [
    'an idmapped tmpfs',
    [6, 3],
    mount(['idmap'], { uidMappings: ids, gidMappings: ids }),
    '/mounts/0/options',
    'an idmapped tmpfs',
  ],
  [
    'a policy that prefers many',
    [5, 15],
    { linux: { memoryPolicy: { mode: 'MPOL_PREFERRED_MANY', nodes: '0' } } },
    '/linux/memoryPolicy/mode',
    'MPOL_PREFERRED_MANY',
  ],
  [
    'weighted interleaving',
    [6, 9],
    { linux: { memoryPolicy: { mode: 'MPOL_WEIGHTED_INTERLEAVE', nodes: '0' } } },
    '/linux/memoryPolicy/mode',
    'MPOL_WEIGHTED_INTERLEAVE',
  ],
  ['burst', [5, 14], { linux: { resources: { cpu: { burst: 1 } } } }, '/linux/resources/cpu/burst', 'a CPU burst'],
  ['idle', [5, 15], { linux: { resources: { cpu: { idle: 1 } } } }, '/linux/resources/cpu/idle', 'an idle cgroup'],
  [
    'the file of bursts',
    [5, 14],
    { linux: { resources: { unified: { 'cpu.max.burst': '0' } } } },
    '/linux/resources/unified/cpu.max.burst',
    'the file "cpu.max.burst"',
  ],
  [
    'the file of idle',
    [5, 15],
    { linux: { resources: { unified: { 'cpu.idle': '0' } } } },
    '/linux/resources/unified/cpu.idle',
    'the file "cpu.idle"',
  ],
  [
    'many lower layers',
    [6, 8],
    overlay(`lowerdir=/a:${'/b:'.repeat(90)}/c`),
    '/mounts/0/options',
    'a value of "lowerdir" with more than 255 bytes',
  ],
  [
    'an upper layer with a long name',
    [6, 13],
    overlay('lowerdir=/l', `upperdir=${LONG}`, 'workdir=/w'),
    '/mounts/0/options',
    'a value of "upperdir" with more than 255 bytes',
  ],
]

const atLeast = (kernel: Kernel, since: Kernel) =>
  kernel[0] > since[0] || (kernel[0] === since[0] && kernel[1] >= since[1])

/** The plan on that kernel, or the problems that it is refused for. */
function planOn(kernel: Kernel, config: Json): Plan | readonly { pointer: string; message: string }[] {
  try {
    return buildPlan(planInput(inputOf({ config, facts: { kernel } as unknown as Json })))
  } catch (error) {
    return (error as { problems: readonly { pointer: string; message: string }[] }).problems
  }
}

test.each(NEEDS)('%s: from Linux %j on', (_, since, config, pointer, words) => {
  for (const kernel of KERNELS) {
    const plan = planOn(kernel, config)
    const found = Array.isArray(plan) ? plan.find((problem) => problem.message.startsWith(words)) : undefined
    if (!atLeast(kernel, since)) {
      expect([kernel, found?.pointer]).toEqual([kernel, pointer])
      expect(found?.message).toMatch(new RegExp(` takes Linux ${since.join('\\.')} or newer`))
    } else expect([kernel, found]).toEqual([kernel, undefined])
    if (atLeast(kernel, since) && atLeast(kernel, [5, 12])) expect(plan).toHaveProperty('init')
  }
})

test('what asks for nothing new is planned on every kernel from 5.12 on, the same', () => {
  const config = {
    ...mount(['ro', 'nosuid', 'relatime']),
    linux: { resources: { cpu: { burst: 0, idle: 0 } }, memoryPolicy: { mode: 'MPOL_BIND', nodes: '0' } },
  }
  const [first, ...others] = KERNELS.filter((kernel) => atLeast(kernel, [5, 12])).map((kernel) =>
    planOn(kernel, config),
  )
  expect(first).toHaveProperty('init')
  for (const other of others) expect(other).toEqual(first)
})

test('without mounts of its own a container needs none of this', () => {
  const config = { mounts: null, linux: { namespaces: [{ type: 'pid' }], maskedPaths: null, readonlyPaths: null } }
  expect(planOn([5, 10], config as unknown as Json)).toHaveProperty('init')
})
