/** The systemd unit of a container: linux.cgroupsPath in the form slice:prefix:name, and where its cgroup is. Pure. */
import { RuntimeError } from '../../base/errors.ts'
import { parentPath } from '../../base/path.ts'

/** What is known of a service manager, gathered by src/host/systemd/facts.ts. */
export interface SystemdFacts {
  /** The machine's, or that of an ordinary user. */
  readonly manager: 'system' | 'user'
  /** Its main version: 252, for example. */
  readonly version: number
  /** The cgroup that its units are below; "" for the top. */
  readonly root: string
}

/** A unit, named. */
export interface UnitName {
  /** davit-x.scope, or a slice where config.json names one. */
  readonly name: string
  /** The slice that it is in. */
  readonly slice: string
  /** Its cgroup below the mount point, "/system.slice/davit-x.scope". */
  readonly cgroup: string
}

/** The prefix of scopes that config.json does not name. runc's is "runc". */
const PREFIX = 'davit'

/** Letters that a unit's name may have (systemd.unit(5)); more than the kernel lets a cgroup have are too long anyway. */
const NAME = /^[A-Za-z0-9:_.\\@-]+$/

/** @throws RuntimeError config-invalid. */
export function unitName(cgroupsPath: string | undefined, id: string, systemd: SystemdFacts): UnitName {
  const [slice, prefix, own] = cgroupsPath ? parts(cgroupsPath) : ['', PREFIX, escaped(id)]
  const parent = slice || (systemd.manager === 'user' ? 'user.slice' : 'system.slice')
  const name = own.endsWith('.slice') ? own : `${prefix}-${own}.scope`
  if (!NAME.test(name) || name.length > 255) throw refused(`"${name}" is no name of a unit`)
  const path = name.endsWith('.slice') ? expandSlice(name) : `${expandSlice(parent)}/${name}`
  // A slice's name says where it is.
  const above = parentPath(path).split('/').at(-1)
  if (name.endsWith('.slice') && slice !== '' && (above || '-.slice') !== slice)
    throw refused(`slice "${name}" is not in slice "${slice}"`)
  return { name, slice: name.endsWith('.slice') ? above || '-.slice' : parent, cgroup: systemd.root + path }
}

/** The cgroup of the unit itself, of which `path` is that or one below. */
export function unitDir(path: string, name: string): string {
  const parts = path.split('/')
  const at = parts.lastIndexOf(name)
  return at < 0 ? path : parts.slice(0, at + 1).join('/')
}

/** runc's words where it has them. */
function parts(cgroupsPath: string): readonly [slice: string, prefix: string, name: string] {
  const [slice = '', prefix = '', name = '', ...more] = cgroupsPath.split(':')
  if (name === '' || more.length > 0) {
    throw refused(
      `expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got "${cgroupsPath}" instead`,
    )
  }
  return [slice, prefix, name]
}

/** An id may contain "+", which a unit's name must not. */
function escaped(id: string): string {
  return id.replaceAll('+', '\\x2b')
}

/**
 * "a-b.slice" is in "a.slice": "/a.slice/a-b.slice"; "-.slice" is the top (systemd.slice(5)).
 * @throws RuntimeError config-invalid.
 */
export function expandSlice(slice: string): string {
  if (slice === '-.slice') return ''
  const stem = slice.endsWith('.slice') ? slice.slice(0, -'.slice'.length) : ''
  const steps = stem.split('-')
  if (stem.includes('/') || steps.includes('') || !NAME.test(slice)) throw refused(`invalid slice name: ${slice}`)
  return steps.map((_, i) => `/${steps.slice(0, i + 1).join('-')}.slice`).join('')
}

function refused(what: string): RuntimeError {
  const pointer = '/linux/cgroupsPath'
  return new RuntimeError('config-invalid', `${pointer}: ${what}`, [{ pointer, message: what }])
}
