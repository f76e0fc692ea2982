/** Folders that are mounted over /proc, or below it. */
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bundle } from '../bundle.ts'
import { pidOf } from '../look.ts'
import { type Case, expect, expectSame } from '../suite.ts'
import { runOrRefuse } from '../victim.ts'

const CLAUSE = 'published flaw'

/** A folder that a configuration mounts over /proc, or below it. */
function fakeProc(bundle: Bundle): string {
  const path = join(bundle.path, 'fake')
  for (const name of ['self/attr', 'self/fd', 'sys/net/ipv4', 'sys/kernel', 'net/ipv4', 'kernel'])
    mkdirSync(join(path, name), { recursive: true })
  for (const name of [
    'self/attr/exec',
    'self/attr/current',
    'self/oom_score_adj',
    'sys/net/ipv4/ip_forward',
    'net/ipv4/ip_forward',
    'kernel/hostname',
  ])
    writeFileSync(join(path, name), 'fake\n')
  return path
}

const untouched = (path: string) => {
  const changed = readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((name) => {
    const file = join(path, name)
    try {
      return readFileSync(file, 'utf8') !== 'fake\n'
    } catch {
      return false // a folder
    }
  })
  expectSame(changed, [], 'files of the image that were written to')
}

export const PROCFS: readonly Case[] = [
  {
    id: 'security-proc-fake',
    clause: `${CLAUSE}: CVE-2019-16884, CVE-2025-52881, CVE-2025-62596`,
    asks: 'a folder is mounted on /proc: refused, or what the runtime writes below /proc does not land there',
    test(subject) {
      const bundle = subject.bundle('true')
      const fake = fakeProc(bundle)
      bundle.configure((config) => {
        config.mounts.push({ destination: '/proc', type: 'bind', source: fake, options: ['bind'] })
        Object.assign(config.process ?? {}, { oomScoreAdj: 100 })
        Object.assign(config.linux, { sysctl: { 'net.ipv4.ip_forward': '1' } })
      })
      if (runOrRefuse(subject, bundle)) subject.await(bundle.id, 'stopped')
      untouched(fake)
    },
  },
  {
    id: 'security-proc-sys-fake',
    clause: `${CLAUSE}: CVE-2025-52881`,
    asks: 'a folder is mounted on /proc/sys: refused, or sysctls reach the kernel and not that folder',
    test(subject) {
      const bundle = subject.bundle('cat /proc/net/snmp >/tmp/seen; sleep 100')
      const fake = fakeProc(bundle)
      bundle.configure((config) => {
        config.mounts.push({ destination: '/proc/sys', type: 'bind', source: fake, options: ['bind'] })
        Object.assign(config.linux, { sysctl: { 'net.ipv4.ip_forward': '1' } })
      })
      const ran = runOrRefuse(subject, bundle)
      untouched(fake)
      if (!ran) return
      const pid = pidOf(subject, bundle.id)
      // "Forwarding" of the kernel's own counters: 1 is on.
      const [, values = ''] = subject
        .kernel(`/proc/${pid}/net/snmp`)
        .split('\n')
        .filter((line) => line.startsWith('Ip:'))
      expectSame(values.split(' ')[1], '1', 'forwarding in the network namespace')
    },
  },
  {
    id: 'security-readonly-proc-fake',
    clause: `${CLAUSE}: CVE-2026-115521`,
    asks: 'the image’s own /proc does not keep the root from being read-only',
    test(subject) {
      const bundle = subject.bundle('echo x >/written && echo x >/out/seen; echo end >>/out/seen')
      const fake = fakeProc(bundle)
      for (let fd = 3; fd < 20; fd++) symlinkSync('/tmp', join(fake, `self/fd/${fd}`))
      bundle.configure((config) => {
        config.root.readonly = true
        config.mounts.push({ destination: '/proc', type: 'bind', source: fake, options: ['bind'] })
        config.mounts.push({ destination: '/out', type: 'bind', source: subject.shared(), options: ['bind'] })
      })
      if (runOrRefuse(subject, bundle)) subject.await(bundle.id, 'stopped')
      expect(!readdirSync(bundle.rootfs).includes('written'), 'the program could write to the root')
    },
  },
]
