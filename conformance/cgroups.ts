/** Cgroups as the kernel has them: which controllers there are, what they take, and what a container's say. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { hierarchies } from './host.ts'
import { ofProcess } from './look.ts'
import type { Subject } from './subject.ts'
import { expect, HostCannot } from './suite.ts'

/** Where a controller is: which version of cgroups, and its mount point. */
export interface Place {
  readonly version: 1 | 2
  readonly mount: string
}

const mountOptions = () =>
  readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, path = '']) => hierarchies().includes(path))

/** Where a controller is mounted, if it is. */
export function placeOf(controller: string): Place | undefined {
  for (const [, mount = '', type, options = ''] of mountOptions()) {
    if (type === 'cgroup' && options.split(',').includes(controller)) return { version: 1, mount }
    const file = `${mount}/cgroup.controllers`
    const names = type === 'cgroup2' && existsSync(file) ? readFileSync(file, 'utf8').trim().split(' ') : []
    // What freezes and what guards devices is no controller of v2, and always there.
    const always = controller === 'freezer' || controller === 'devices'
    if (names.includes(controller) || (type === 'cgroup2' && always && !placeOfV1(controller)))
      return { version: 2, mount }
  }
  return undefined
}

function placeOfV1(controller: string): boolean {
  return mountOptions().some(([, , type, options = '']) => type === 'cgroup' && options.split(',').includes(controller))
}

/** Where a controller is; the host cannot without. */
export function needController(controller: string): Place {
  const place = placeOf(controller)
  if (!place) throw new HostCannot(`no cgroup controller ${controller}`)
  return place
}

/** What the kernel makes of a value: written to a cgroup of the suite's own, and read back. */
export function kernelMakes(controller: string, writes: readonly (readonly [file: string, text: string])[]): string {
  const { version, mount } = needController(controller)
  const folder = `${mount}/conformance-${process.pid}`
  mkdirSync(folder)
  try {
    if (version === 2) writeFileSync(`${mount}/cgroup.subtree_control`, `+${controller}`)
    for (const [file, text] of writes) writeFileSync(`${folder}/${file}`, text)
    return readFileSync(`${folder}/${writes.at(-1)?.[0]}`, 'utf8')
  } catch (error) {
    throw new HostCannot(`the kernel does not take it: ${(error as Error).message.replace(/^(\w+):.*?, /, '$1, ')}`)
  } finally {
    rmdirSync(folder)
  }
}

/** The folder of a process in the hierarchy of a controller, from /proc/PID/cgroup. */
export function cgroupOf(pid: number, controller: string): string {
  const { version, mount } = needController(controller)
  const line = ofProcess(pid, 'cgroup')
    .split('\n')
    .map((text) => text.split(':'))
    .find(([number, names = '']) => (version === 2 ? number === '0' : names.split(',').includes(controller)))
  expect(line !== undefined, `process ${pid} is in no cgroup of ${controller}`)
  return mount + line.slice(2).join(':')
}

/** A file of the container's cgroup; part of the evidence. */
export function cgroupFile(subject: Subject, pid: number, controller: string, file: string): string {
  return subject.kernel(`${cgroupOf(pid, controller)}/${file}`)
}

/** A block device of the host that limits can be set on: `254:0`. */
export function blockDevice(): { readonly major: number; readonly minor: number } {
  for (const name of readdirSync('/sys/block').sort((a, b) => Number(/^loop/.test(a)) - Number(/^loop/.test(b)))) {
    const [major = 0, minor = 0] = readFileSync(`/sys/block/${name}/dev`, 'utf8').trim().split(':').map(Number)
    return { major, minor }
  }
  throw new HostCannot('no block device')
}
