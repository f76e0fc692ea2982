/** The record of a container that is about to be made, or restored. */
import { RuntimeError } from '../base/errors.ts'
import { sys } from '../ffi/native.ts'
import { isUsed } from '../host/cgroup/fit.ts'
import { recordOf } from '../host/cgroup/make.ts'
import type { CgroupPlan } from '../plan/cgroup/model.ts'
import { namespace } from '../plan/context.ts'
import { hooksOf } from '../plan/hooks.ts'
import { sumOf } from '../state/kept_config.ts'
import type { ContainerRecord } from '../state/record.ts'
import type { Bundle } from './load.ts'

/** As it is before anything exists; `config`: the text of the configuration that is kept. */
export function newRecord(id: string, bundle: Bundle, cgroup: CgroupPlan | undefined, config: string): ContainerRecord {
  // SAFETY: a cgroup that others use is not ours: killing or removing it would be the end of them.
  const own = cgroup?.dirs.filter((dir) => !isUsed(dir)) ?? []
  const shared = cgroup?.dirs.filter((dir) => !own.includes(dir)) ?? []
  return {
    // ORDER: these two first, see recordStart.
    format: 1,
    phase: 'creating',
    ociVersion: bundle.spec.ociVersion,
    id,
    bundle: bundle.path,
    rootfs: bundle.rootfs,
    created: new Date().toISOString(),
    ...(bundle.spec.annotations ? { annotations: bundle.spec.annotations } : {}),
    owner: sys('geteuid'),
    pid: 0,
    startTime: 0,
    ...(own.length > 0 ? { cgroup: recordOf(own, cgroup?.inner) } : {}),
    ...(shared.length > 0 ? { sharedCgroup: recordOf(shared, cgroup?.inner) } : {}),
    ...(cgroup?.unit ? { unit: { name: cgroup.unit.name, manager: cgroup.unit.manager } } : {}),
    privatePid: namespace(bundle.spec, 'pid') === 'new',
    poststart: hooksOf(bundle, 'poststart'),
    poststop: hooksOf(bundle, 'poststop'),
    configSum: sumOf(config),
  }
}

/** What systemd itself would say, but only when much has been done. */
export function refuseUsedUnit(cgroup: CgroupPlan | undefined): void {
  if (!cgroup?.unit || !cgroup.dirs.some(isUsed)) return
  throw new RuntimeError('cgroup', `start unit ${cgroup.unit.name}: it exists, and has processes`)
}
