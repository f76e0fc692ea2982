import { describe, expect, test } from 'vitest'
import { RuntimeError } from '../../../src/base/errors.ts'
import { parseSpec } from '../../../src/spec/config.ts'
import { problemMessage } from '../../../src/spec/problems.ts'
import { validateConfig } from '../../../src/spec/validate.ts'
import { type Json, plainConfig, userConfig } from './configs.ts'

async function failure(value: Json): Promise<RuntimeError> {
  const error = await validateConfig(value).catch((caught: unknown) => caught)
  expect(error).toBeInstanceOf(RuntimeError)
  expect((error as RuntimeError).code).toBe('config-invalid')
  return error as RuntimeError
}

const one = (change: (config: Json) => void) => {
  const config = plainConfig()
  change(config)
  return failure(config).then((error) => error.message.replace('invalid config.json: ', ''))
}

describe('messages say place, expectation and finding', () => {
  test.each<[string, (config: Json) => void]>([
    [
      '/process/user/uid: expected an integer from 0 to 4294967294, got "root"',
      (c) => {
        c.process.user.uid = 'root'
      },
    ],
    [
      '/process/user/uid: expected an integer from 0 to 4294967294, got 4294967295',
      (c) => {
        c.process.user.uid = 4294967295
      },
    ],
    [
      '/process/rlimits/0/hard: expected an integer from 0 to 2^64-1, got -1',
      (c) => {
        c.process.rlimits[0].hard = -1
      },
    ],
    [
      '/linux/resources/memory/limit: expected an integer from -2^63 to 2^63-1, got 1.5',
      (c) => {
        c.linux.resources.memory.limit = 1.5
      },
    ],
    [
      '/process/cwd: required but missing',
      (c) => {
        delete c.process.cwd
      },
    ],
    [
      '/process/terminal: expected true or false, got "yes"',
      (c) => {
        c.process.terminal = 'yes'
      },
    ],
    [
      '/process/args: expected an array, got an object',
      (c) => {
        c.process.args = {}
      },
    ],
    [
      '/root: expected an object, got an array',
      (c) => {
        c.root = [1]
      },
    ],
    [
      '/hostname: expected a string without control characters, got "a\\nb"',
      (c) => {
        c.hostname = 'a\nb'
      },
    ],
    [
      '/mounts/1/source: expected a string without NUL, got "a\\u0000b"',
      (c) => {
        c.mounts[1].source = 'a\0b'
      },
    ],
    [
      '/linux/rootfsPropagation: expected one of "private", "rprivate", "shared", "rshared", "slave", "rslave", "unbindable", "runbindable", got "no"',
      (c) => {
        c.linux.rootfsPropagation = 'no'
      },
    ],
    [
      '/linux/seccomp/syscalls/1/args/0/value: expected an integer from 0 to 2^64-1, got true',
      (c) => {
        c.linux.seccomp.syscalls[1].args[0].value = true
      },
    ],
    [
      '/linux/seccomp/syscalls/0/names: expected an array with at least one entry, got an empty array',
      (c) => {
        c.linux.seccomp.syscalls[0].names = []
      },
    ],
    [
      '/linux/resources/hugepageLimits/0/pageSize: expected a page size such as "2MB", got "2"',
      (c) => {
        c.linux.resources.hugepageLimits[0].pageSize = '2'
      },
    ],
    [
      '/linux/resources/rdma/mlx5_1/hcaHandles: expected an integer from 0 to 4294967295, got -1',
      (c) => {
        c.linux.resources.rdma.mlx5_1.hcaHandles = -1
      },
    ],
    [
      '/annotations/c~1d: expected a string, got 5',
      (c) => {
        c.annotations['c/d'] = 5
      },
    ],
    [
      '/annotations/a\\u0000: expected a key without NUL',
      (c) => {
        c.annotations = { 'a\0': 'x' }
      },
    ],
    [
      '/hooks/createRuntime/0/timeout: expected an integer from 1 to 9007199254740991, got 0',
      (c) => {
        c.hooks.createRuntime[0].timeout = 0
      },
    ],
    [
      `/hostname: expected a string without control characters, got "${'x'.repeat(60)}…"`,
      (c) => {
        c.hostname = `${'x'.repeat(80)}\n`
      },
    ],
  ])('%s', async (message, change) => {
    expect(await one(change)).toBe(message)
  })

  test('the whole document', async () => {
    for (const [value, got] of [
      [null, 'null'],
      [[], 'an empty array'],
      ['x', '"x"'],
      [1, '1'],
    ]) {
      expect((await failure(value)).message).toBe(`invalid config.json: expected an object, got ${got}`)
    }
  })

  test('never the value of an environment variable', async () => {
    expect(await one((c) => c.process.env.push('TOKEN=secret\0'))).toBe(
      '/process/env/2: expected a string without NUL, got "TOKEN=…"',
    )
    expect(
      await one((c) => {
        c.hooks.createRuntime[0].env = ['TOKEN=secret\0']
      }),
    ).not.toContain('secret')
  })
})

describe('all problems at once', () => {
  test('of the schema and of the rules that do not depend on what it refused', async () => {
    const error = await failure({
      ociVersion: '2.0.0',
      process: { cwd: 'x', args: [], user: { uid: -1 } },
      hostname: 'a',
      mounts: [{}, { destination: 5 }],
      linux: { namespaces: [{ type: 'nope' }], devices: [{ path: 'dev', type: 'c' }] },
    })
    expect(error.problems.map((problem) => problem.pointer)).toEqual([
      '/mounts/0/destination',
      '/mounts/1/destination',
      '/process/user/uid',
      '/linux/namespaces/0/type',
      '/ociVersion',
      '/root',
      '/process/cwd',
      '/process/args',
      '/linux/devices/0/path',
      '/linux/devices/0/major',
      '/linux/devices/0/minor',
      // Not /hostname: whether there is a UTS namespace is not known.
    ])
    expect(error.message.split('; ')).toHaveLength(11)
    expect(error.message).not.toContain('\n')
  })

  test('the line names 20, the list has all', async () => {
    const error = await failure({ ...plainConfig(), mounts: Array.from({ length: 30 }, () => ({})) })
    expect(error.problems).toHaveLength(30)
    expect(error.message).toMatch(/\/mounts\/19\/destination: required but missing; and 10 more$/)
    expect(problemMessage([{ pointer: '', message: 'a' }])).toBe('invalid config.json: a')
  })
})

test('a hundred thousand problems take no hundred thousand steps each', { timeout: 20_000 }, async () => {
  const error = await failure({ ociVersion: '1.0.0', mounts: Array.from({ length: 100_000 }, () => ({})) })
  expect(error.problems).toHaveLength(100_001)
  expect(error.message.length).toBeLessThan(2000)
})

describe('what is let through', () => {
  test('good configurations, unchanged', async () => {
    for (const config of [plainConfig(), userConfig(), { ociVersion: '1.0.0' }])
      expect(await validateConfig(config)).toBe(config)
  })

  test('unknown properties anywhere', async () => {
    const config = plainConfig()
    config.future = { deep: [null] }
    config.linux.namespaces[0].future = null
    config.process.user.future = 5
    expect(await validateConfig(config)).toBe(config)
  })

  test('null for a member counts as absent, null in a list does not', async () => {
    const config = plainConfig()
    config.hooks = null
    config.linux.seccomp.syscalls[0].args = null
    config.process.user.additionalGids = null
    const spec = await validateConfig(config)
    expect('hooks' in spec).toBe(false)
    expect(spec.linux?.seccomp?.syscalls?.[0]).toEqual({ names: ['read', 'write'], action: 'SCMP_ACT_ALLOW' })
    expect(
      await one((c) => {
        c.process.args = ['a', null]
      }),
    ).toBe('/process/args/1: expected a string, got null')
  })
})

describe('parseSpec', () => {
  test('text to Spec and warnings', async () => {
    const config = plainConfig()
    config.mounts[0].destination = 'proc'
    const { spec, warnings } = await parseSpec(JSON.stringify(config))
    expect(spec).toEqual(config)
    expect(warnings.map((warning) => warning.pointer)).toEqual(['/mounts/0/destination'])
  })

  test('a rule broken is an invalid configuration', async () => {
    const text = JSON.stringify({ ...plainConfig(), ociVersion: '2.0.0' })
    await expect(parseSpec(text)).rejects.toMatchObject({
      code: 'config-invalid',
      message: 'invalid config.json: /ociVersion: unsupported version "2.0.0", supported are 1.x',
    })
  })
})
