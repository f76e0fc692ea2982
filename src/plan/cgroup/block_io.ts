/** linux.resources.blockIO: blkio of v1 (cgroup-v1/blkio-controller.rst), io of v2 (cgroup-v2.rst "IO"). */

import type { BlockIoResources } from '../../spec/types.gen.ts'
import { blkioToIoWeight } from './convert.ts'
import { refused, requirePlace, write } from './draft.ts'
import type { Draft, Place } from './model.ts'

/** The throttles: key in config.json, file of v1, key in io.max of v2. */
const THROTTLES = [
  ['throttleReadBpsDevice', 'blkio.throttle.read_bps_device', 'rbps'],
  ['throttleWriteBpsDevice', 'blkio.throttle.write_bps_device', 'wbps'],
  ['throttleReadIOPSDevice', 'blkio.throttle.read_iops_device', 'riops'],
  ['throttleWriteIOPSDevice', 'blkio.throttle.write_iops_device', 'wiops'],
] as const

/** Plans block I/O weights and throttles. */
export function planBlockIo(draft: Draft, io: BlockIoResources): void {
  const lists = [io.weightDevice, ...THROTTLES.map(([key]) => io[key])]
  if (!io.weight && !io.leafWeight && lists.every((list) => list === undefined || list.length === 0)) return
  // The controller changed its name between the versions.
  const place = draft.place('blkio') ?? draft.place('io') ?? requirePlace(draft, 'blkio', ['blockIO'])
  if (place.version === 2) planWeightsV2(draft, place, io)
  else planWeightsV1(draft, place, io)
  for (const [key, fileV1, keyV2] of THROTTLES) {
    io[key]?.forEach(({ major, minor, rate }, index) => {
      const device = `${major}:${minor}`
      const at = ['blockIO', key, index]
      // v2 removes a limit by "max", v1 by 0.
      const rateV2 = rate === 0 ? 'max' : rate
      if (place.version === 2) draft.steps.push(write(draft, place, 'io.max', `${device} ${keyV2}=${rateV2}`, at))
      else draft.steps.push(write(draft, place, fileV1, `${device} ${rate}`, at))
    })
  }
}

function planWeightsV1(draft: Draft, place: Place, io: BlockIoResources): void {
  /** KERNEL(5.0): CFQ and its blkio.weight are gone, BFQ has files of its own with the same format. */
  const put = (bfq: string, cfq: string, value: string, tokens: readonly (string | number)[]) =>
    draft.steps.push(write(draft, place, bfq, value, tokens, { ifAbsent: { path: `${place.dir}/${cfq}`, value } }))
  if (io.weight) put('blkio.bfq.weight', 'blkio.weight', String(io.weight), ['blockIO', 'weight'])
  if (io.leafWeight) {
    draft.steps.push(write(draft, place, 'blkio.leaf_weight', String(io.leafWeight), ['blockIO', 'leafWeight']))
  }
  io.weightDevice?.forEach(({ major, minor, weight, leafWeight }, index) => {
    const at = ['blockIO', 'weightDevice', index]
    if (weight) put('blkio.bfq.weight_device', 'blkio.weight_device', `${major}:${minor} ${weight}`, at)
    if (leafWeight) {
      draft.steps.push(write(draft, place, 'blkio.leaf_weight_device', `${major}:${minor} ${leafWeight}`, at))
    }
  })
}

function planWeightsV2(draft: Draft, place: Place, io: BlockIoResources): void {
  /** io.bfq.weight has the range of v1; io.weight (iocost) has another, so the value is converted. */
  const put = (prefix: string, weight: number, tokens: readonly (string | number)[]) =>
    draft.steps.push(
      write(draft, place, 'io.bfq.weight', `${prefix}${weight}`, tokens, {
        ifAbsent: { path: `${place.dir}/io.weight`, value: `${prefix}${blkioToIoWeight(weight)}` },
      }),
    )
  const noLeaf = 'cgroup v2 has no leaf weight'
  if (io.leafWeight) throw refused(draft, 'unsupported', ['blockIO', 'leafWeight'], noLeaf)
  if (io.weight) put('', io.weight, ['blockIO', 'weight'])
  io.weightDevice?.forEach(({ major, minor, weight, leafWeight }, index) => {
    const at = ['blockIO', 'weightDevice', index]
    if (leafWeight) throw refused(draft, 'unsupported', [...at, 'leafWeight'], noLeaf)
    if (weight) put(`${major}:${minor} `, weight, at)
  })
}
