/**
 * The records of containers: ROOT/ID/state.json, beside config.json, start.sock, prepared, exec.N and hook. It is replaced
 * by rename, so a reader sees the old or the new one, whole.
 */
import { messageOf, RuntimeError, SysError } from '../base/errors.ts'
import { decodeJson, encodeJson } from '../base/json.ts'
import { listDir, readTextIf, rename, statIf } from '../ffi/file.ts'
import { type Claim, writeStateFile } from './folder.ts'
import { containerPath, notFound } from './ids.ts'
import type { ContainerRecord } from './record.ts'
import { misfit } from './shape.ts'

const ENOENT = 2

/** Writes down what {@link placeRecord} makes state.json; its text. */
export function layRecord(claim: Claim, record: ContainerRecord): string {
  const text = recordText(record)
  writeStateFile(claim, 'state.json.new', text)
  return text
}

/** Makes it state.json. */
export function placeRecord(claim: Claim): void {
  rename('state.json.new', 'state.json', claim.fd)
}

/** Replaces state.json. */
export function writeRecord(claim: Claim, record: ContainerRecord): void {
  layRecord(claim, record)
  placeRecord(claim)
}

export function recordText(record: ContainerRecord): string {
  return `${encodeJson(record, 'state.json')}\n`
}

/** The record; undefined when the directory has none (a create that was killed at once). Throws when there is no such id. */
export function readRecord(root: string, id: string): ContainerRecord | undefined {
  const path = containerPath(root, id)
  const text = readTextIf(`${path}/state.json`)
  if (text === undefined) {
    if (!statIf(path)) throw notFound(id)
    return undefined
  }
  const refuse = (why: string) => new RuntimeError('state', `read "${path}/state.json": ${why}`)
  let record: ContainerRecord | null
  try {
    record = decodeJson(text) as ContainerRecord | null
  } catch (error) {
    throw refuse(messageOf(error))
  }
  if (record?.format !== 1) throw refuse('it is no record of a container')
  const place = misfit(record, id)
  if (place !== undefined) throw refuse(`it is no record of this container: ${place}`)
  return record
}

/** Ids of all containers, sorted. `explicit`: a root that was named must be there. */
export function listContainers(root: string, explicit: boolean): string[] {
  try {
    return listDir(root).sort()
  } catch (error) {
    if (!explicit && error instanceof SysError && error.errno === ENOENT) return []
    throw error
  }
}
