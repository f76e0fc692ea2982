/** Small helpers of the controllers' planners. */
import { RuntimeError } from '../../base/errors.ts'
import { pointer } from '../../base/pointer.ts'
import type { CgroupStep, CgroupWrite, Draft, Place } from './model.ts'

/** How a write deviates from "must succeed": the optional fields of {@link CgroupWrite}. */
export type WriteOptions = Partial<Pick<CgroupWrite, 'tolerate' | 'postpone' | 'ifAbsent'>>

/** A write step to `file` of `place`, asked for at `tokens` below the resources object. */
export function write(
  draft: Draft,
  place: Place,
  file: string,
  value: string,
  tokens: readonly (string | number)[],
  options: WriteOptions = {},
): CgroupStep {
  return { kind: 'write', path: `${place.dir}/${file}`, value, config: draft.at + pointer(...tokens), ...options }
}

/** The place of `controller`, or a failure that says who asked for what. */
export function requirePlace(draft: Draft, controller: string, tokens: readonly (string | number)[]): Place {
  const place = draft.place(controller)
  if (place !== undefined) return place
  const message = `cannot set ${controller} limit: no cgroup of the container has the controller`
  throw refused(draft, 'unsupported', tokens, message)
}

/** An error about one place of the resources; the message names it. */
export function refused(
  draft: Draft,
  code: 'config-invalid' | 'unsupported',
  tokens: readonly (string | number)[],
  message: string,
): RuntimeError {
  const at = draft.at + pointer(...tokens)
  return new RuntimeError(code, `${at}: ${message}`, [{ pointer: at, message }])
}
