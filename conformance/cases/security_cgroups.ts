/** Cgroups that are reached by `..`. */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { cgroupOf, placeOf } from '../cgroups.ts'
import { hierarchies } from '../host.ts'
import { removeCgroups } from '../left.ts'
import { pidOf } from '../look.ts'
import { type Case, expect } from '../suite.ts'
import { runOrRefuse } from '../victim.ts'

/** Names of cgroups that climb. */
const CLIMBING = (id: string) => [
  `../../../${id}-out`,
  `/../${id}-out`,
  `/a/../../../${id}-out`,
  `${id}/../../../../${id}-out`,
]

/** The same where systemd makes them. */
const CLIMBING_UNITS = (id: string) => [
  `../../..:conf:${id}-out`,
  `system.slice:../../../..:${id}-out`,
  `system.slice:conf:/../../../../../${id}-out`,
]

export const CGROUPS: readonly Case[] = [
  {
    id: 'security-cgroup-climbs',
    clause: 'a cgroup is reached by ..',
    asks: 'cgroupsPath with .. leads nowhere outside of the mounts of cgroups',
    deviations: { crun: { seen: '1.8.1', why: 'makes a folder beside the mounts' } },
    test(subject) {
      const base = subject.bundle('true')
      const systemd = subject.setting.driver === 'systemd'
      for (const path of [...CLIMBING(base.id), ...(systemd ? CLIMBING_UNITS(base.id) : [])]) {
        base.configure((config) => {
          config.linux.cgroupsPath = path
        })
        const ran = runOrRefuse(subject, base)
        for (const mount of hierarchies()) {
          for (const above of ['..', '../..', '../../..']) {
            const place = join(mount, above, `${base.id}-out`)
            if (!existsSync(place) || hierarchies().some((one) => place.startsWith(`${one}/`))) continue
            subject.call('delete', '--force', base.id)
            rmSync(place, { recursive: true, force: true }) // no cgroup: it is beside them
            expect(false, `${place} was made`)
          }
        }
        if (ran) subject.call('delete', '--force', base.id)
      }
    },
  },
  {
    id: 'security-exec-cgroup-climbs',
    clause: 'a cgroup is reached by .. (runc 1.5.2, crun 1.28)',
    asks: 'exec --cgroup reaches no cgroup outside of the container’s',
    test(subject) {
      const controller = ['pids', 'memory', 'cpu'].find((name) => placeOf(name)) ?? 'pids'
      // There is one hierarchy of v2, and runc takes no name of a controller for it.
      const prefix = placeOf(controller)?.version === 2 ? '' : `${controller}:`
      const [bundle, sibling] = [subject.bundle('sleep 100'), subject.bundle('sleep 100')]
      sibling.configure((config) => {
        config.linux.cgroupsPath = subject.cgroupsPath(`${bundle.id}-sibling`)
      })
      try {
        subject.run(bundle)
        subject.run(sibling)
        const [own, beside] = [bundle, sibling].map(({ id }) => cgroupOf(pidOf(subject, id), controller)) as [
          string,
          string,
        ]
        const name = basename(beside)
        for (const path of ['..', '../..', `../${name}`, `/../${name}`, `-sibling`]) {
          const file = join(bundle.path, 'exec-pid')
          const { ok } = subject.call(
            'exec',
            '--detach',
            '--pid-file',
            file,
            `--cgroup=${prefix}${path}`,
            bundle.id,
            'sleep',
            '100',
          )
          if (!ok) continue
          const place = cgroupOf(Number(readFileSync(file, 'utf8')), controller)
          expect(place === own || place.startsWith(`${own}/`), `exec --cgroup ${path} is in ${place}`)
        }
      } finally {
        // A runtime that is led astray leaves the cgroup of the one where a process of the other is.
        for (const { id } of [bundle, sibling]) subject.call('delete', '--force', id)
        removeCgroups(`${bundle.id}-sibling`)
      }
    },
    deviations: {
      runc: { versions: '<1.5.2', why: 'has the flaw that 1.5.2 mends' },
      crun: { versions: '<1.28', why: 'has the flaw that 1.28 mends' },
    },
  },
]
