/** Runs the steps of a cgroup plan. Takes no decision but those that a step spells out. */
import { assertNever, RuntimeError, SysError } from '../../base/errors.ts'
import { baseName, parentPath } from '../../base/path.ts'
import { closeFd, openFile, readText, readTextIf, writeFd, writeText } from '../../ffi/file.ts'
import { errnoText } from '../../kernel/errno.ts'
import { O_WRONLY } from '../../kernel/files.ts'
import type { CgroupCheck, CgroupInherit, CgroupStep, CgroupWrite } from '../../plan/cgroup/model.ts'
import { giveCgroup } from './give.ts'
import { isErrno } from './tree.ts'

/** What one run of steps knows. */
interface Run {
  /** The file that was written last stays open: device lists and io.max take many writes. */
  open?: { path: string; fd: number } | undefined
  /** Writes that wait for a later one, with what they failed with. */
  postponed: { step: CgroupWrite; error: SysError }[]
  /** Why a directory's children lack controllers: explains a file that is not there. */
  readonly refused: Map<string, string>
}

/** @throws RuntimeError code "cgroup": what was to be written where, because of which place in config.json. */
export function runSteps(steps: readonly CgroupStep[]): void {
  const run: Run = { postponed: [], refused: new Map() }
  try {
    for (const step of steps) runStep(run, step)
    const left = run.postponed[0]
    if (left !== undefined) throw describe(run, left.step, left.error)
  } finally {
    if (run.open !== undefined) closeFd(run.open.fd)
  }
}

function runStep(run: Run, step: CgroupStep): void {
  if (step.kind === 'write') writeStep(run, step)
  else if (step.kind === 'inherit') inherit(step)
  else if (step.kind === 'enable') enable(run, step.dir, step.controllers)
  else if (step.kind === 'check') check(step)
  else if (step.kind === 'give') giveCgroup(step)
  else assertNever(step, 'cgroup step')
}

function writeStep(run: Run, step: CgroupWrite): void {
  const error = tryWrite(run, step)
  if (error === undefined) {
    run.postponed = run.postponed.filter(({ step: waiting }) => {
      const again = tryWrite(run, waiting)
      if (again !== undefined && !waiting.postpone?.includes(again.errnoName)) throw describe(run, waiting, again)
      return again !== undefined
    })
  } else if (step.postpone?.includes(error.errnoName)) run.postponed.push({ step, error })
  else if (!step.tolerate?.includes(error.errnoName)) throw describe(run, step, error)
}

/** Writes, to the other name of the file if need be; returns what it failed with. */
function tryWrite(run: Run, { path, value, ifAbsent }: CgroupWrite): SysError | undefined {
  try {
    put(run, path, value)
  } catch (error) {
    if (!(error instanceof SysError)) throw error
    if (ifAbsent === undefined || error.errnoName !== 'ENOENT') return error
    return tryWrite(run, { kind: 'write', config: '', ...ifAbsent })
  }
  return undefined
}

function put(run: Run, path: string, value: string): void {
  if (run.open?.path !== path) {
    if (run.open !== undefined) closeFd(run.open.fd)
    run.open = undefined
    run.open = { path, fd: openFile(path, O_WRONLY) }
  }
  writeFd(run.open.fd, value)
}

function describe(run: Run, step: CgroupWrite, error: SysError): RuntimeError {
  const dir = parentPath(step.path)
  const from = step.config === '' ? '' : ` (${step.config})`
  const why = error.errnoName === 'ENOENT' ? run.refused.get(parentPath(dir)) : undefined
  const text = `set ${baseName(step.path)} to ${step.value} in ${dir}${from}: ${errnoText(error.errno)}${usage(step, error)}`
  const problems = step.config === '' ? [] : [{ pointer: step.config, message: text }]
  return new RuntimeError('cgroup', why === undefined ? text : `${text}; ${why}`, problems, { cause: error })
}

/** KERNEL: a limit of v1 below what is used and cannot be reclaimed is refused: how much it is, in runc's words. */
function usage({ path }: CgroupWrite, error: SysError): string {
  const suffix = 'limit_in_bytes'
  if (error.errnoName !== 'EBUSY' || !path.endsWith(`.${suffix}`)) return ''
  const read = (file: string) => readTextIf(path.slice(0, -suffix.length) + file)?.trim() ?? 'unknown'
  return ` (current usage: ${read('usage_in_bytes')}, peak usage: ${read('max_usage_in_bytes')})`
}

function inherit({ dir, parent, files }: CgroupInherit): void {
  for (const file of files) {
    const own = readTextIf(`${dir}/${file}`)
    if (own === undefined) continue
    if (own.trim() !== '') return
    const value = readText(`${parent}/${file}`).trim()
    try {
      writeText(`${dir}/${file}`, value)
    } catch (error) {
      if (!(error instanceof SysError)) throw error
      throw new RuntimeError('cgroup', `set ${file} to ${value} in ${dir}, as in its parent: ${errnoText(error.errno)}`)
    }
    return
  }
}

/**
 * All controllers at once, else one by one, as many as go: what is missing afterwards shows in the limit that needs it.
 * KERNEL: EBUSY when the directory has processes of its own, ENOENT when its parent did not enable the controller,
 * EOPNOTSUPP below a threaded cgroup, EACCES above the part that was delegated to us.
 */
function enable(run: Run, dir: string, controllers: readonly string[]): void {
  const file = `${dir}/cgroup.subtree_control`
  const plus = controllers.map((controller) => `+${controller}`)
  if (tryEnable(file, plus.join(' ')) === undefined) return
  for (const one of plus) {
    const error = tryEnable(file, one)
    if (error === undefined) continue
    run.refused.set(dir, `enable ${one} in ${file}: ${errnoText(error.errno)}`)
  }
}

function tryEnable(file: string, value: string): SysError | undefined {
  try {
    writeText(file, value)
    return undefined
  } catch (error) {
    if (error instanceof SysError) return error
    throw error
  }
}

function check({ path, limit, what, config }: CgroupCheck): void {
  let text: string | undefined
  try {
    text = readTextIf(path)
  } catch (error) {
    if (!isErrno(error, 'EACCES', 'EPERM')) throw error
  }
  const usage = text?.trim()
  if (usage === undefined || !/^\d+$/.test(usage) || BigInt(usage) < BigInt(limit)) return
  const message = `rejecting ${what} ${limit} <= usage ${usage} of ${parentPath(path)}`
  throw new RuntimeError('cgroup', `${message} (${config})`, [{ pointer: config, message }])
}
