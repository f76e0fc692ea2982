/** config-linux.md: seccomp, resctrl and cgroups, the basics. */
import { existsSync, readFileSync } from 'node:fs'
import { refuses, sees } from '../declare.ts'
import { cgroupsNamed, hierarchies } from '../host.ts'
import { type Case, expect, expectSame, HostCannot } from '../suite.ts'

const pids = (limit: number) => ({ linux: { resources: { pids: { limit } } } })

/** Whether a hierarchy has the controller pids: one of v1 for it, or v2 with it. */
const hasPids = (path: string) =>
  path.endsWith('/pids') ||
  (existsSync(`${path}/cgroup.controllers`) && /\bpids\b/.test(readFileSync(`${path}/cgroup.controllers`, 'utf8')))

const ERRNO = {
  defaultAction: 'SCMP_ACT_ALLOW',
  syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 99 }],
}

export const LIMITS: readonly Case[] = [
  sees(
    ['seccomp-errno', 'config-linux.md#seccomp', 'a system call ends with the errno configured'],
    { linux: { seccomp: ERRNO } },
    'busybox mkdir /tmp/x; grep Seccomp: /proc/self/status',
    /address[\s\S]*Seccomp:\t2\n$/i,
  ),
  refuses(
    ['seccomp-no-names', 'config-linux.md#seccomp', 'names has one entry at least', 'linux-seccomp-11'],
    {
      linux: { seccomp: { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: [], action: 'SCMP_ACT_ERRNO' }] } },
    },
    {
      deviations: {
        runc: { seen: '1.1.5', why: 'goes through the names, of which there are none: the entry does nothing' },
        crun: { seen: '1.8.1', why: 'goes through the names, of which there are none: the entry does nothing' },
      },
    },
  ),
  refuses(
    ['seccomp-action-unknown', 'config-linux.md#seccomp', 'an action that is none is an error', 'config-valid-01'],
    {
      linux: { seccomp: { defaultAction: 'SCMP_ACT_NOSUCH' } },
    },
  ),
  refuses(
    ['intel-rdt-missing', 'config-linux.md#intelrdt', 'intelRdt without resctrl is an error', 'linux-rdt-02'],
    {
      linux: { intelRdt: { closID: 'conformance', l3CacheSchema: 'L3:0=f' } },
    },
    {
      deviations: { crun: { versions: '<1.10', why: 'does not know the property, and ignores it' } },
      needs: () => (/ resctrl /.test(readFileSync('/proc/mounts', 'utf8')) ? 'resctrl is mounted' : undefined),
    },
  ),
  {
    id: 'cgroup-path-absolute',
    clause: 'config-linux.md#cgroups-path',
    asks: 'an absolute path is relative to the mount point of cgroups, the same each time',
    covers: ['linux-cgroups-path-02', 'linux-cgroups-path-03'],
    test(subject) {
      const bundle = subject.bundle('sleep 100')
      subject.run(bundle)
      const first = cgroupsNamed(bundle.id)
      subject.must('delete', '--force', bundle.id)
      subject.run(bundle)
      expect(first.length > 0, 'no cgroup of this path')
      expectSame(cgroupsNamed(bundle.id), first, 'cgroups the second time')
    },
  },
  {
    id: 'cgroup-pids',
    clause: 'config-linux.md#pids',
    asks: 'pids.limit is set in the container’s cgroup',
    covers: ['runtime-create-05', 'runtime-lifecycle-03'],
    test(subject) {
      const bundle = subject.bundle('sleep 100')
      bundle.configure((config) => Object.assign(config.linux, pids(37).linux))
      subject.run(bundle)
      const cgroups = cgroupsNamed(bundle.id)
      expect(cgroups.length > 0, 'no cgroup of this path')
      // Whether there is the controller is for the hierarchies to say, not for what the runtime has made of them.
      if (!hierarchies().some(hasPids)) throw new HostCannot('no controller pids')
      const file = cgroups.map((path) => `${path}/pids.max`).find((path) => existsSync(path))
      expect(file !== undefined, `no pids.max in ${cgroups.join(', ')}`)
      expectSame(subject.kernel(file), '37\n', file)
    },
  },
]
