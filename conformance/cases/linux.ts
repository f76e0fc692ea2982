/** config-linux.md: namespaces, devices, sysctl, paths, seccomp, personality, cgroups. */
import { existsSync, readFileSync, readlinkSync } from 'node:fs'
import { Instead, refuses, sees } from '../declare.ts'
import { cgroupsNamed, hierarchies } from '../host.ts'
import { type Case, expect, expectSame, HostCannot } from '../suite.ts'

const NS = 'config-linux.md#namespaces'
const DEVICES = 'config-linux.md#devices'
const kernelHas = (path: string) => () => (existsSync(path) ? undefined : `no ${path}`)
const device = (path: string, minor: number) => ({ path, type: 'c', major: 1, minor, fileMode: 0o640, uid: 3, gid: 4 })
const pids = (limit: number) => ({ linux: { resources: { pids: { limit } } } })

/** Whether a hierarchy has the controller pids: one of v1 for it, or v2 with it. */
const hasPids = (path: string) =>
  path.endsWith('/pids') ||
  (existsSync(`${path}/cgroup.controllers`) && /\bpids\b/.test(readFileSync(`${path}/cgroup.controllers`, 'utf8')))

const NAMESPACES: readonly Case[] = [
  ...['pid', 'mnt', 'ipc', 'uts', 'net'].map((name) =>
    sees(
      [
        `namespace-new-${name}`,
        NS,
        `without a path a new ${name} namespace is made`,
        'linux-namespaces-06',
        'linux-namespaces-02',
      ],
      {},
      `ns=$(readlink /proc/self/ns/${name}); [ "$ns" != "${readlinkSync(`/proc/self/ns/${name}`)}" ] && echo new`,
      /^new\n$/,
    ),
  ),
  sees(
    ['namespace-inherited', NS, 'a type that is not listed is the runtime’s own', 'linux-namespaces-07'],
    {},
    'readlink /proc/self/ns/user',
    (seen) => seen.trim() === readlinkSync('/proc/self/ns/user'),
  ),
  sees(
    ['namespace-path', NS, 'the process is put into the namespace at path', 'linux-namespaces-04'],
    {
      linux: {
        namespaces: new Instead([
          { type: 'network', path: `/proc/${process.pid}/ns/net` },
          ...['pid', 'mount', 'ipc', 'uts'].map((type) => ({ type })),
        ]),
      },
    },
    'readlink /proc/self/ns/net',
    (seen) => seen.trim() === readlinkSync('/proc/self/ns/net'),
  ),
  refuses(
    ['namespace-twice', NS, 'a type listed twice is an error', 'linux-namespaces-08'],
    { linux: { namespaces: [{ type: 'pid' }] } },
    {
      deviations: {
        crun: { seen: '1.8.1', why: 'collects types as bits, and does not see that one is there twice' },
      },
    },
  ),
  refuses(['namespace-unknown', NS, 'a type that is none is an error', 'config-valid-01'], {
    linux: { namespaces: [{ type: 'nosuch' }] },
  }),
  refuses(['namespace-path-type', NS, 'a path of another type is an error', 'linux-namespaces-05'], {
    linux: { namespaces: [{ type: 'cgroup', path: '/proc/self/ns/uts' }] },
  }),
  refuses(['namespace-path-relative', NS, 'a path is absolute', 'linux-namespaces-03'], {
    linux: { namespaces: [{ type: 'cgroup', path: 'proc/self/ns/cgroup' }] },
  }),
  sees(
    [
      'user-namespace',
      'config-linux.md#user-namespace-mappings',
      'ids are mapped as configured',
      'runtime-lifecycle-01',
    ],
    {
      linux: {
        namespaces: [{ type: 'user' }],
        uidMappings: [{ containerID: 0, hostID: 0, size: 5000 }],
        gidMappings: [{ containerID: 0, hostID: 0, size: 6000 }],
      },
    },
    'cat /proc/self/uid_map /proc/self/gid_map',
    /^ *0 +0 +5000\n *0 +0 +6000\n$/,
  ),
  sees(
    [
      'time-namespace',
      'config-linux.md#offset-for-time-namespace',
      'clocks of a new time namespace are set',
      'runtime-lifecycle-01',
    ],
    {
      ociVersion: '1.1.0',
      linux: { namespaces: [{ type: 'time' }], timeOffsets: { boottime: { secs: 4321, nanosecs: 0 } } },
    },
    'cat /proc/self/timens_offsets',
    /boottime +4321 +0\n/,
    {
      needs: kernelHas('/proc/self/ns/time'),
      deviations: {
        crun: {
          seen: '1.8.1',
          why: 'cannot make one: its helper has ended when the offsets are to be written (EPIPE)',
        },
        runc: { versions: '<1.2', why: 'does not know time namespaces, and says so' },
      },
    },
  ),
]

const FILES: readonly Case[] = [
  sees(
    [
      'devices-default',
      'config-linux.md#default-devices',
      'the default devices and links are there',
      'linux-default-devices-01',
      'runtime-linux-links-01',
    ],
    {},
    'for d in null zero full random urandom tty; do [ -c /dev/$d ] && echo $d; done; [ -e /dev/ptmx ] || [ -L /dev/ptmx ] && echo ptmx; readlink /dev/fd',
    /^null\nzero\nfull\nrandom\nurandom\ntty\nptmx\n\/proc\/self\/fd\n$/,
  ),
  sees(
    ['devices-made', DEVICES, 'a device has the type, numbers, mode and owner configured', 'linux-devices-01'],
    { linux: { devices: [device('/dev/mine', 5)] } },
    'stat -c "%F %t %T %a %u %g" /dev/mine',
    /^character special file 1 5 640 3 4\n$/,
  ),
  refuses(
    ['devices-numbers', DEVICES, 'a character device has a type that exists', 'config-valid-01'],
    {
      linux: { devices: [{ path: '/dev/mine', type: 'x', major: 1, minor: 5 }] },
    },
    { deviations: { crun: { seen: '1.8.1', why: 'takes a type that is none for a character device' } } },
  ),
  sees(
    ['sysctl', 'config-linux.md#sysctl', 'kernel parameters are set in the container', 'runtime-lifecycle-01'],
    { linux: { sysctl: { 'net.ipv4.ip_forward': '1', 'kernel.msgmax': '9001' } } },
    'cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax',
    /^1\n9001\n$/,
  ),
  sees(
    ['masked-paths', 'config-linux.md#masked-paths', 'what is masked cannot be read'],
    { linux: { maskedPaths: ['/proc/version', '/proc/irq', '/proc/no-such'] } },
    'cat /proc/version; ls /proc/irq; echo end',
    /^end\n$/,
  ),
  sees(
    ['readonly-paths', 'config-linux.md#readonly-paths', 'what is read-only cannot be written'],
    { linux: { readonlyPaths: ['/proc/sys'] } },
    'echo x >/proc/sys/kernel/domainname || echo refused',
    /Read-only file system[\s\S]*refused\n$/,
  ),
  sees(
    ['root-readonly', 'config.md#root', 'the root is read-only where that is asked for', 'config-root-08'],
    { root: { readonly: true } },
    'touch /x || echo refused',
    /Read-only file system[\s\S]*refused\n$/,
  ),
  refuses(['root-missing', 'config.md#root', 'the folder of the root exists', 'config-root-07'], {
    root: { path: 'no-such-folder' },
  }),
  sees(
    ['hostname', 'config.md#hostname', 'the host name is set', 'runtime-create-05'],
    { hostname: 'abc' },
    'cat /proc/sys/kernel/hostname',
    /^abc\n$/,
  ),
  sees(
    ['domainname', 'config.md#domainname', 'the domain name is set'],
    { ociVersion: '1.1.0', domainname: 'abc.example' },
    'cat /proc/sys/kernel/domainname',
    /^abc\.example\n$/,
    {
      deviations: {
        runc: {
          versions: '<1.2',
          why: 'does not know the property, which came with version 1.1 of the specification, and ignores it',
        },
      },
    },
  ),
  refuses(
    ['version-no-semver', 'config.md#specification-version', 'ociVersion is a semantic version', 'config-version-02'],
    {
      ociVersion: 'one',
    },
    { deviations: { runc: { versions: '<1.2', why: 'does not look at ociVersion (youki#1347)' } } },
  ),
  sees(
    ['unknown-property', 'config.md#extensibility', 'unknown properties are ignored', 'config-extensibility-01'],
    { nosuch: { a: 1 }, linux: { nosuch: 1 } },
    'echo ran',
    /^ran\n$/,
  ),
]

const ERRNO = {
  defaultAction: 'SCMP_ACT_ALLOW',
  syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 99 }],
}

const LIMITS: readonly Case[] = [
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
      deviations: { crun: { seen: '1.8.1', why: 'does not know the property, and ignores it' } },
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

export const LINUX: readonly Case[] = [...NAMESPACES, ...FILES, ...LIMITS]
