/** config-linux.md and config.md: devices, kernel parameters, paths, the root, names, versions. */
import { refuses, sees } from '../declare.ts'
import type { Case } from '../suite.ts'
import { LIMITS } from './linux_limits.ts'
import { NAMESPACES } from './linux_namespaces.ts'

const DEVICES = 'config-linux.md#devices'

const device = (path: string, minor: number) => ({ path, type: 'c', major: 1, minor, fileMode: 0o640, uid: 3, gid: 4 })

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
    {
      deviations: {
        runc: { versions: '<1.2', why: 'does not look at ociVersion (youki#1347)' },
        crun: { versions: '>=1.14.2', why: 'does not look at ociVersion any more' },
      },
    },
  ),
  sees(
    ['unknown-property', 'config.md#extensibility', 'unknown properties are ignored', 'config-extensibility-01'],
    { nosuch: { a: 1 }, linux: { nosuch: 1 } },
    'echo ran',
    /^ran\n$/,
  ),
]

export const LINUX: readonly Case[] = [...NAMESPACES, ...FILES, ...LIMITS]
