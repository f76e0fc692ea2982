/**
 * A directory for each test, made when first asked for. After the test its containers are deleted, it is removed, and
 * whatever of them is still on the machine (processes, mounts, cgroups, state) fails the test.
 */
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { afterEach } from 'vitest'
import { exec } from './exec.ts'
import { cgroupsNamed, mountsBelow, processesNaming } from './leaks.ts'
import { patience } from './pace.ts'
import { RUNTIME } from './place.ts'

let current: string | undefined
let count = 0
let ids: string[] = []
let endings: (() => void | Promise<void>)[] = []

/** The directory of the running test. */
export function scratch(): string {
  if (current === undefined) {
    current = mkdtempSync(`${tmpdir()}/davit-test-`)
    chmodSync(current, 0o711) // the root of a user namespace must reach its rootfs
  }
  return current
}

/** A container id that no other test, here or in another process, uses. */
export function uniqueId(): string {
  const id = `t${process.pid}-${++count}`
  ids.push(id)
  return id
}

/** Something to do when the running test is over, before its directory is removed; last in, first out. */
export function atEnd(act: () => void | Promise<void>): void {
  endings.unshift(act)
}

async function deleteContainers(root: string): Promise<void> {
  if (!existsSync(root)) return
  for (const id of readdirSync(root)) await exec(RUNTIME, ['--root', root, 'delete', '--force', id])
}

afterEach(async () => {
  const ends = endings
  endings = []
  let failure: unknown
  for (const end of ends) {
    try {
      await end()
    } catch (error) {
      failure ??= error // the rest is cleaned up all the same
    }
  }
  // The endings may use the directory.
  const [directory, used] = [current, ids]
  current = undefined
  ids = []
  if (directory !== undefined) await removeScratch(directory, used)
  if (failure !== undefined) throw failure
}, patience(60_000))

async function removeScratch(directory: string, used: readonly string[]): Promise<void> {
  await deleteContainers(`${directory}/root`)
  const state = existsSync(`${directory}/root`) ? readdirSync(`${directory}/root`) : []
  const left = [
    ...state.map((name) => `state of ${name}`),
    ...mountsBelow(directory).map((path) => `mount ${path}`),
    ...(await processesNaming(directory, used)),
    ...used.flatMap((id) => cgroupsNamed(id).map((path) => `cgroup ${path}`)),
  ]
  if (!mountsBelow(directory).length) rmSync(directory, { recursive: true, force: true })
  if (left.length > 0) throw new Error(`left behind: ${left.join('; ')}`)
}
