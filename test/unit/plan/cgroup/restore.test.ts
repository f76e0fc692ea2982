import { expect, test } from 'vitest'
import { restoredValue } from '../../../../src/plan/cgroup/restore.ts'

test.each<[file: string, before: string, written: string, back: string | undefined]>([
  ['memory.limit_in_bytes', '9223372036854771712\n', '4096', '9223372036854771712'],
  ['memory.max', 'max\n', '4096', 'max'],
  ['cpu.max', 'max 100000\n', '5000 10000', 'max 100000'],
  ['cpuset.cpus', '0-1\n', '0', '0-1'],
  ['cpuset.cpus', '\n', '0', '\n'],
  ['memory.oom_control', 'oom_kill_disable 0\nunder_oom 0\noom_kill 3\n', '1', '0'],
  ['memory.oom_control', 'nothing known\n', '1', undefined],
  ['io.weight', 'default 100\n8:0 50\n', '200', 'default 100'],
  ['io.weight', 'default 100\n8:0 50\n', '8:0 70', '8:0 50'],
  ['io.bfq.weight', 'default 100\n', '8:0 70', '8:0 default'],
  ['blkio.bfq.weight', '100\n', '70', '100'],
  ['blkio.bfq.weight_device', 'default 100\n8:0 50\n', '8:0 70', '8:0 50'],
  ['blkio.throttle.read_bps_device', '', '8:0 100', '8:0 0'],
  ['blkio.throttle.read_bps_device', '8:0 5\n8:16 6\n', '8:16 100', '8:16 6'],
  ['io.max', '8:0 rbps=1 wbps=max riops=max wiops=max\n', '8:0 wbps=5', '8:0 rbps=1 wbps=max riops=max wiops=max'],
  ['io.max', '', '8:0 wbps=5', '8:0 wbps=max'],
  ['rdma.max', '', 'mlx4_0 hca_handle=2 hca_object=3', 'mlx4_0 hca_handle=max hca_object=max'],
  ['net_prio.ifpriomap', 'lo 0\neth0 5\n', 'eth0 7', 'eth0 5'],
  ['net_cls.classid', '0\n', '5', '0'],
  // What cannot be told apart is not guessed.
  ['memory.stat', 'anon 1\nfile 2\n', '5', undefined],
  ['devices.allow', '', 'a', undefined],
])('%s with %j, overwritten by %j, is %j', (file, before, written, back) => {
  expect(restoredValue(file, before, written)).toBe(back)
})
