import { expect, test } from 'vitest'
import { resctrlIn } from '../../../src/host/resctrl.ts'

const line = (root: string, mount: string, type: string) =>
  `30 25 0:26 ${root} ${mount} rw,nosuid shared:7 - ${type} x rw\n`

test.each([
  ['', undefined],
  [line('/', '/sys', 'sysfs'), undefined],
  [line('/', '/sys/fs/resctrl', 'resctrl'), '/sys/fs/resctrl'],
  [line('/', '/a\\040b', 'resctrl'), '/a b'],
  // A bind mount of one class is not the file system.
  [line('/gold', '/gold', 'resctrl') + line('/', '/r', 'resctrl'), '/r'],
  [line('/', '/mnt', 'fuse.resctrl'), undefined],
])('in %j', (mountinfo, expected) => {
  expect(resctrlIn(mountinfo)).toBe(expected)
})
