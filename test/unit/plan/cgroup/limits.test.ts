import { describe, expect, test } from 'vitest'
import type { Resources } from '../../../../src/spec/types.gen.ts'
import { HYBRID, LEGACY, plan, UNIFIED, written } from './helper.ts'

describe('pids', () => {
  test.each([LEGACY, UNIFIED])('absent, 0, -1 and a number in $mode', (facts) => {
    expect(written({ pids: {} }, facts)).toEqual([])
    expect(written({ pids: { limit: -1 } }, facts)).toEqual(['pids.max max'])
    expect(written({ pids: { limit: 100 } }, facts)).toEqual(['pids.max 100'])
  })

  test('a limit that would refuse our own processes is set when they are there', () => {
    expect(written({ pids: { limit: 0 } }, UNIFIED)).toEqual(['late pids.max 0'])
    expect(written({ pids: { limit: 1 } }, LEGACY)).toEqual(['late pids.max 1'])
  })
})

describe('huge pages', () => {
  const hugepageLimits = [{ pageSize: '2MB', limit: 209715200 }]

  test('usage and, where accounted, reservations', () => {
    expect(written({ hugepageLimits }, LEGACY)).toEqual([
      'hugetlb.2MB.limit_in_bytes 209715200',
      'hugetlb.2MB.rsvd.limit_in_bytes 209715200, tolerate ENOENT',
    ])
    expect(written({ hugepageLimits }, UNIFIED)).toEqual([
      'hugetlb.2MB.max 209715200',
      'hugetlb.2MB.rsvd.max 209715200, tolerate ENOENT',
    ])
  })

  test('a hybrid machine that has the controller on v2 gets it there, enabled', () => {
    const { steps } = plan({ hugepageLimits }, HYBRID)
    expect(steps[0]).toEqual({ kind: 'enable', dir: '/sys/fs/cgroup/unified', controllers: ['hugetlb'] })
    expect(written({ hugepageLimits }, HYBRID)[0]).toBe('hugetlb.2MB.max 209715200')
    expect(plan({}, HYBRID).steps.some(({ kind }) => kind === 'enable')).toBe(false)
  })

  test.each(['2MB/../../x', '../2MB', '2mb', '', '0MB', '2MB.max'])(
    'the size "%s" cannot reach a file name',
    (pageSize) => {
      const resources: Resources = { hugepageLimits: [{ pageSize, limit: 1 }] }
      expect(() => written(resources, UNIFIED)).toThrow(
        '/linux/resources/hugepageLimits/0/pageSize: invalid hugepage size',
      )
    },
  )
})

describe('block I/O', () => {
  const throttles: Resources = {
    blockIO: {
      throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 600 }],
      throttleWriteBpsDevice: [{ major: 8, minor: 0, rate: 0 }],
      throttleReadIOPSDevice: [{ major: 8, minor: 16, rate: 300 }],
      throttleWriteIOPSDevice: [{ major: 8, minor: 16, rate: 2n ** 64n - 1n }],
    },
  }

  test('throttles', () => {
    expect(written(throttles, LEGACY)).toEqual([
      'blkio.throttle.read_bps_device 8:0 600',
      'blkio.throttle.write_bps_device 8:0 0',
      'blkio.throttle.read_iops_device 8:16 300',
      'blkio.throttle.write_iops_device 8:16 18446744073709551615',
    ])
    expect(written(throttles, UNIFIED)).toEqual([
      'io.max 8:0 rbps=600',
      'io.max 8:0 wbps=max',
      'io.max 8:16 riops=300',
      'io.max 8:16 wiops=18446744073709551615',
    ])
  })

  test('weights, with BFQ or without', () => {
    const blockIO = { weight: 100, weightDevice: [{ major: 8, minor: 0, weight: 500 }] }
    expect(written({ blockIO }, LEGACY)).toEqual([
      'blkio.bfq.weight 100, else blkio.weight 100',
      'blkio.bfq.weight_device 8:0 500, else blkio.weight_device 8:0 500',
    ])
    expect(written({ blockIO }, UNIFIED)).toEqual([
      'io.bfq.weight 100, else io.weight 910',
      'io.bfq.weight 8:0 500, else io.weight 8:0 4950',
    ])
    expect(written({ blockIO: { weight: 0 } }, UNIFIED)).toEqual([])
  })

  test('leaf weights are for v1 only', () => {
    const blockIO = { leafWeight: 10, weightDevice: [{ major: 8, minor: 0, leafWeight: 300 }] }
    expect(written({ blockIO }, LEGACY)).toEqual(['blkio.leaf_weight 10', 'blkio.leaf_weight_device 8:0 300'])
    expect(() => written({ blockIO }, UNIFIED)).toThrow(
      '/linux/resources/blockIO/leafWeight: cgroup v2 has no leaf weight',
    )
    expect(() => written({ blockIO: { weightDevice: blockIO.weightDevice } }, UNIFIED)).toThrow(
      '/linux/resources/blockIO/weightDevice/0/leafWeight: cgroup v2 has no leaf weight',
    )
  })
})

test('rdma', () => {
  const rdma = { mlx5_1: { hcaHandles: 3, hcaObjects: 10000 }, rxe3: { hcaObjects: 0 } }
  for (const facts of [LEGACY, UNIFIED]) {
    expect(written({ rdma }, facts)).toEqual([
      'rdma.max mlx5_1 hca_handle=3 hca_object=10000',
      'rdma.max rxe3 hca_object=0',
    ])
  }
  expect(() => written({ rdma: { 'a b': { hcaObjects: 1 } } }, LEGACY)).toThrow('/linux/resources/rdma/a b')
})

test('network classes and priorities are for v1 only', () => {
  const network = { classID: 1048577, priorities: [{ name: 'eth0', priority: 500 }] }
  expect(written({ network }, LEGACY)).toEqual(['net_cls.classid 1048577', 'net_prio.ifpriomap eth0 500'])
  expect(() => written({ network }, UNIFIED)).toThrow('/linux/resources/network/classID: cannot set net_cls limit')
  expect(() => written({ network: { priorities: network.priorities } }, UNIFIED)).toThrow(
    '/linux/resources/network/priorities/0: cannot set net_prio limit',
  )
  expect(written({ network: { classID: 0, priorities: [] } }, UNIFIED)).toEqual([])
})

describe('unified', () => {
  const unified = (files: Record<string, string>, facts = UNIFIED) => written({ unified: files }, facts)

  test('one write a line, and unknown files too', () => {
    expect(
      unified({ 'io.max': '259:0 rbps=1\n253:0 rbps=2\n', 'memory.future': 'x', 'cgroup.max.depth': '3' }),
    ).toEqual(['io.max 259:0 rbps=1', 'io.max 253:0 rbps=2', 'memory.future x', 'cgroup.max.depth 3'])
  })

  test('a container is made in no frozen cgroup', () => {
    expect(() => unified({ 'cgroup.freeze': '1\n' })).toThrow('/unified/cgroup.freeze: a container cannot be made')
    expect(unified({ 'cgroup.freeze': '0' })).toEqual(['cgroup.freeze 0'])
  })

  test.each(['../memory.max', 'a/memory.max', 'memory', '..', '.', 'memory./x', ''])(
    'the name "%s" is refused',
    (file) => {
      expect(() => unified({ [file]: '1' })).toThrow('must be a file name in the form CONTROLLER.PARAMETER')
    },
  )

  test('a controller that is not there is an error', () => {
    expect(() => unified({ 'misc.max': '1' })).toThrow(`"misc.max" can't be set: controller "misc" not available`)
    expect(() => unified({ 'memory.max': '1' }, HYBRID)).toThrow('controller "memory" not available')
    expect(unified({ 'hugetlb.2MB.max': '0' }, HYBRID)).toEqual(['hugetlb.2MB.max 0'])
    expect(() => unified({ 'memory.max': '1' }, LEGACY)).toThrow('cannot use unified on cgroup v1')
  })
})

test('a limit without its controller is an error that names the place', () => {
  const facts = { mode: 'none', v1: [] } as const
  expect(() => plan({ pids: { limit: 10 } }, facts)).toThrow('/linux/resources/pids/limit: cannot set pids limit')
})
