/** NUMA memory policy: what the kernel says of the memory of the container's processes, and what is refused. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bundle, type Config, createStart } from '../support/bundle.ts'
import { execIn, outputIn } from '../support/in_container.ts'
import { refused } from '../support/refusal.ts'
import { kernel, requires } from '../support/requires.ts'
import { must } from '../support/runtime.ts'

type Policy = NonNullable<Config['linux']['memoryPolicy']>

const numa = { name: 'a kernel with NUMA', met: () => existsSync('/proc/self/numa_maps') }

const sleeper = (policy: Policy) =>
  bundle((config) => {
    config.process.args = ['/bin/sleep', '100']
    config.linux.memoryPolicy = policy
  })

/** The policies in a numa_maps text: "ADDRESS POLICY file=...", numa(7). A policy may have a space, as "prefer (many)". */
const policies = (text: string) => [
  ...new Set(
    text
      .split('\n')
      .filter(Boolean)
      .map((line) => /^[0-9a-f]+ (\S+(?: \(many\)\S*| interleave\S*)?)/.exec(line)?.[1]),
  ),
]

describe.runIf(requires('root', numa))('the memory policy', () => {
  test.each<[Policy, string]>([
    [{ mode: 'MPOL_BIND', nodes: '0' }, 'bind:0'],
    [{ mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_STATIC_NODES'] }, 'bind=static:0'],
    [{ mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_RELATIVE_NODES'] }, 'bind=relative:0'],
    [{ mode: 'MPOL_INTERLEAVE', nodes: '0' }, 'interleave:0'],
    [{ mode: 'MPOL_PREFERRED', nodes: '0' }, 'prefer:0'],
    [{ mode: 'MPOL_PREFERRED', nodes: '', flags: [] }, 'local'],
    [{ mode: 'MPOL_LOCAL' }, 'local'],
    [{ mode: 'MPOL_DEFAULT' }, 'default'],
  ])('%o', async (policy, expected) => {
    const { pid } = await createStart(await sleeper(policy))
    expect(policies(readFileSync(`/proc/${pid}/numa_maps`, 'utf8'))).toEqual([expected])
  })

  test.runIf(requires(kernel('6.9'))).each<[Policy, string]>([
    [{ mode: 'MPOL_PREFERRED_MANY', nodes: '0' }, 'prefer (many):0'],
    [{ mode: 'MPOL_WEIGHTED_INTERLEAVE', nodes: '0' }, 'weighted interleave:0'],
    // The kernel tells the other flags only.
    [{ mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_NUMA_BALANCING'] }, 'bind=balancing:0'],
    [
      { mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_NUMA_BALANCING', 'MPOL_F_STATIC_NODES'] },
      'bind=static|balancing:0',
    ],
  ])('%o', async (policy, expected) => {
    const { pid } = await createStart(await sleeper(policy))
    expect(policies(readFileSync(`/proc/${pid}/numa_maps`, 'utf8'))).toEqual([expected])
  })

  test('is kept over exec and by children, and given to whoever enters', async () => {
    const made = await bundle((config) => {
      config.process.args = ['/bin/sh', '-c', 'sleep 100 & wait']
      config.linux.memoryPolicy = { mode: 'MPOL_INTERLEAVE', nodes: '0' }
      config.process.user = { uid: 1000, gid: 1000 }
      config.process.capabilities = {}
    })
    await createStart(made)
    const maps = await outputIn(made.id, 'cat /proc/self/numa_maps')
    expect(policies(maps)).toEqual(['interleave:0'])
    expect(policies(await outputIn(made.id, 'cat /proc/$(pidof sleep)/numa_maps'))).toEqual(['interleave:0'])
  })

  test('of the container is that of a process file too', async () => {
    const made = await sleeper({ mode: 'MPOL_BIND', nodes: '0' })
    await createStart(made)
    writeFileSync(
      `${made.path}/process.json`,
      JSON.stringify({ cwd: '/', args: ['cat', '/proc/self/numa_maps'], env: ['PATH=/bin'] }),
    )
    expect(policies(await must(['exec', '--process', `${made.path}/process.json`, made.id]))).toEqual(['bind:0'])
  })

  test('of nodes that are not there is refused with its place, and leaves nothing', async () => {
    expect(await refused(await sleeper({ mode: 'MPOL_BIND', nodes: '1023' }))).toMatch(
      /set the memory policy to MPOL_BIND, from \/linux\/memoryPolicy: set_mempolicy MPOL_BIND of nodes 1023: invalid argument \(does this kernel/,
    )
  })

  test.each<[Policy, string]>([
    [{ mode: 'MPOL_BIND', nodes: '0-' }, '/linux/memoryPolicy/nodes: expected a list such as "0-3,7", got "0-"'],
    [{ mode: 'MPOL_INTERLEAVE' }, '/linux/memoryPolicy/nodes: MPOL_INTERLEAVE needs nodes'],
    [{ mode: 'MPOL_DEFAULT', nodes: '0' }, '/linux/memoryPolicy/nodes: MPOL_DEFAULT takes no nodes'],
    [{ mode: 'MPOL_STRICT', nodes: '0' } as unknown as Policy, '/linux/memoryPolicy/mode: '],
    [{ mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_MORON'] } as unknown as Policy, '/linux/memoryPolicy/flags/0: '],
  ])('%o is refused', async (policy, message) => {
    expect(await refused(await sleeper(policy))).toContain(message)
  })

  test('that a seccomp profile would forbid is set before it', async () => {
    const made = await sleeper({ mode: 'MPOL_LOCAL' })
    made.configure((config) => {
      config.linux.seccomp = {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: ['set_mempolicy'], action: 'SCMP_ACT_KILL_PROCESS' }],
      }
    })
    await createStart(made)
    expect(await execIn(made.id, 'true')).toMatchObject({ code: 0 })
  })
})

test('features names the modes and flags', async () => {
  const { linux } = JSON.parse(await must(['features']))
  expect(linux.memoryPolicy.modes.toSorted()).toEqual([
    'MPOL_BIND',
    'MPOL_DEFAULT',
    'MPOL_INTERLEAVE',
    'MPOL_LOCAL',
    'MPOL_PREFERRED',
    'MPOL_PREFERRED_MANY',
    'MPOL_WEIGHTED_INTERLEAVE',
  ])
  expect(linux.memoryPolicy.flags).toEqual(['MPOL_F_NUMA_BALANCING', 'MPOL_F_RELATIVE_NODES', 'MPOL_F_STATIC_NODES'])
})
