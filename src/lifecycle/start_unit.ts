/** Has systemd make a container's cgroup around its first child. */
import { RuntimeError } from '../base/errors.ts'
import { statIf, writeText } from '../ffi/file.ts'
import { directPids } from '../host/cgroup/tree.ts'
import { isSlice, type UnitPlan } from '../plan/cgroup/unit.ts'
import { unitDir } from '../plan/cgroup/unit_name.ts'
import type { Creation } from './creation.ts'
import { units } from './units.ts'

/** @throws RuntimeError code "cgroup". */
export function startUnitOf(creation: Creation, unit: UnitPlan): void {
  const pid = (creation.stage ?? creation.init)?.pid ?? 0
  const dir = unitDir(creation.cgroup?.dirs[0]?.path ?? '', unit.name)
  let ours = false
  try {
    units().startUnit(unit, pid, () => {
      ours = true
    })
  } catch (error) {
    // SAFETY: it may be another's of the same name, which must not be taken back with us; ours must, though it came late.
    if (!ours && !directPids(dir).includes(pid)) {
      const { cgroup, unit: _, ...rest } = creation.record
      creation.record = rest
    }
    throw error
  }
  if (isSlice(unit)) writeText(`${dir}/cgroup.procs`, `${pid}`)
  const { record } = creation
  const inode = statIf(dir)?.inode
  if (record.unit && inode !== undefined) creation.record = { ...record, unit: { ...record.unit, inode } }
  if (directPids(dir).includes(pid)) return
  throw new RuntimeError('cgroup', `start unit ${unit.name}: its cgroup is not ${dir}, or has not the container in it`)
}
