/** Resources of linux.resources, what they are in files of cgroups, and the case about one. */
import { cgroupFile, kernelMakes, needController } from './cgroups.ts'
import { type Case, expect, HostCannot } from './suite.ts'

/** A file of a controller and what is written to it; several are written in this order, and the last is looked at. */
export type Files = readonly (readonly [file: string, text: string])[]

/** A value of linux.resources, and what it is in either version of cgroups. */
export interface Resource {
  readonly id: string
  readonly section: string
  readonly controller: string
  readonly resources: Record<string, unknown> | (() => Record<string, unknown>)
  readonly v1?: Files | (() => Files)
  readonly v2?: Files | (() => Files)
  /** Other texts that are as right: runtimes convert shares in two ways. */
  readonly also?: RegExp
  readonly more?: Pick<Case, 'deviations' | 'covers'>
}

const value = <T>(it: T | (() => T)): T => (typeof it === 'function' ? (it as () => T)() : it)

/** The case that a resource is set in the container’s cgroup. */
export const limit = ({ id, section, controller, resources, v1, v2, also, more }: Resource): Case => ({
  ...more,
  id: `cgroup-${id}`,
  clause: section,
  asks: `${id.replaceAll('-', ' ')} is set in the container’s cgroup`,
  test(subject) {
    // On v2, blkio is io.
    const io = controller === 'blkio' ? 'io' : controller
    let name = controller
    try {
      needController(controller)
    } catch (error) {
      if (io === controller) throw error
      name = io
    }
    const { version } = needController(name)
    const files = value(version === 1 ? v1 : v2)
    if (!files) throw new HostCannot(`cgroup v${version} has nothing for it`)
    const wanted = kernelMakes(name, files)
    const file = files.at(-1)?.[0] ?? ''
    const bundle = subject.bundle('sleep 100', (config) => {
      Object.assign(config.linux, { resources: value(resources) })
    })
    subject.create(bundle)
    const { pid = 0 } = subject.state(bundle.id)
    const got = cgroupFile(subject, pid, name, file)
    // What counts in it changes; what is set does not.
    const set = (text: string) =>
      text
        .split('\n')
        .filter((line) => !/^(under_oom|oom_kill) /.test(line))
        .sort()
        .join('\n')
    expect(
      set(got) === set(wanted) || also?.test(got) === true,
      `${file}: got ${JSON.stringify(got)}, expected ${JSON.stringify(wanted)}`,
    )
  },
})
