/** Mount targets that are swapped for links to the host, all the time. */
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { Case } from '../suite.ts'
import { whileSwapping } from '../system_calls.ts'
import { Victim } from '../victim.ts'

const CLAUSE = 'published flaw'

export const RACES: readonly Case[] = (['folder', 'file'] as const).map((kind) => ({
  id: `security-mount-race-${kind}`,
  clause: `${CLAUSE}: CVE-2021-30465, CVE-2024-45310`,
  deviations: { runc: { versions: '<1.1.14', race: true, why: 'has the flaw CVE-2024-45310' } },
  asks: `the target of a mount (a ${kind}) is swapped for a link to the host all the time: nothing is made or mounted outside`,
  test(subject) {
    const stage = subject.bundle('true')
    const victim = new Victim(stage)
    const volume = join(stage.path, 'volume')
    mkdirSync(join(volume, 'a'), { recursive: true })
    symlinkSync(victim.path, join(volume, 'b'))
    whileSwapping(join(volume, 'a'), join(volume, 'b'), () => {
      subject.repeat((turn) => {
        const bundle = subject.bundle('sleep 100')
        bundle.configure((config) => {
          config.mounts.push({ destination: '/volume', type: 'bind', source: volume, options: ['bind'] })
          const destination = `/volume/a/new-${turn}`
          if (kind === 'folder') config.mounts.push({ destination, type: 'tmpfs', source: 'tmpfs' })
          else config.mounts.push({ destination, type: 'bind', source: '/etc/hostname', options: ['bind'] })
        })
        subject.call('create', '--bundle', bundle.path, bundle.id)
        victim.expectUntouched()
      })
    })
  },
}))
