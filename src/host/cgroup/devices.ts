/** Loads the device filter of cgroup v2 and attaches it (bpf(2)). */
import { messageOf, RuntimeError, SysError } from '../../base/errors.ts'
import { closeFd, openFile, withFd } from '../../ffi/file.ts'
import { must, native, sys } from '../../ffi/native.ts'
import {
  BPF_CGROUP_DEVICE,
  BPF_F_ALLOW_MULTI,
  BPF_PROG_ATTACH,
  BPF_PROG_DETACH,
  BPF_PROG_GET_FD_BY_ID,
  BPF_PROG_LOAD,
  BPF_PROG_QUERY,
  BPF_PROG_TYPE_CGROUP_DEVICE,
  encodeBpf,
} from '../../kernel/bpf.ts'
import { errnoText } from '../../kernel/errno.ts'
import { O_DIRECTORY, O_RDONLY } from '../../kernel/files.ts'
import type { DeviceProgram } from '../../plan/cgroup/model.ts'
import { NATIVE } from '../../wire/ops.ts'
import { withoutSignals } from '../signals.ts'
import { isErrno } from './tree.ts'

/**
 * Size of the attribute that is passed, zeroed. KERNEL(6.17 to 7.1): some commands write past a shorter one, whatever
 * the size says.
 */
const ATTR_SIZE = 256

const RLIMIT_MEMLOCK = 8

/**
 * Attaches the filter to its directory. Programs of parents keep applying: all must allow.
 * @throws RuntimeError code "cgroup", unless the program is optional and we may not.
 */
export function attachDevices(program: DeviceProgram): void {
  try {
    const dir = openFile(program.dir, O_RDONLY | O_DIRECTORY)
    withFd(dir, () => {
      const loaded = loadDeviceProgram(program)
      // The attachment holds the program; a leaked fd would hold it longer.
      withFd(loaded, () => attach(dir, loaded))
    })
  } catch (error) {
    if (!(error instanceof SysError)) throw error
    if (program.optional && isErrno(error, 'EPERM', 'EACCES', 'ENOSYS')) return
    const text = `attach the device filter to ${program.dir} (/linux/resources/devices): ${errnoText(error.errno)}`
    throw new RuntimeError('cgroup', text, [{ pointer: '/linux/resources/devices', message: text }], { cause: error })
  }
}

/**
 * Puts a program in the place of those that a directory has, none if everything is to be allowed. Programs that parents
 * have stay. @throws RuntimeError code "cgroup"; then the old ones are there still, and nothing else, or it says so.
 */
export function replaceDevices(path: string, program: DeviceProgram | undefined): void {
  const dir = openFile(path, O_RDONLY | O_DIRECTORY)
  const opened: number[] = []
  const keep = (fd: number) => {
    opened.push(fd)
    return fd
  }
  try {
    const old = attachedPrograms(dir).map((id) => keep(programOf(id)))
    exchangePrograms(dir, old, program && keep(loadDeviceProgram(program)))
  } catch (error) {
    if (!(error instanceof SysError) && !(error instanceof RuntimeError)) throw error
    const text = `replace the device filter of ${path} (/devices): ${error.message}`
    throw new RuntimeError('cgroup', text, [{ pointer: '/devices', message: text }], { cause: error })
  } finally {
    for (const fd of [...opened, dir]) closeFd(fd)
  }
}

/**
 * Attaches `fresh` and detaches the old ones, all by fd. ORDER: the new one first: meanwhile both have to allow. When one
 * step fails those before it are undone, the strictest last. @throws SysError, or RuntimeError where that fails, too.
 */
export function exchangePrograms(dir: number, old: readonly number[], fresh: number | undefined): void {
  const undo: (() => void)[] = []
  try {
    if (fresh !== undefined) {
      attach(dir, fresh)
      undo.unshift(() => detach(dir, fresh))
    }
    for (const program of old) {
      detach(dir, program)
      undo.unshift(() => attach(dir, program))
    }
  } catch (error) {
    try {
      for (const act of undo) act()
    } catch (trouble) {
      throw new RuntimeError('cgroup', `${messageOf(error)}; put the former filter back: ${messageOf(trouble)}`)
    }
    throw error
  }
}

/** More than the kernel lets a cgroup have (BPF_CGROUP_MAX_PROGS). */
const MAX_PROGRAMS = 64

/** Ids of the programs attached to the directory itself (BPF_PROG_QUERY). */
function attachedPrograms(dir: number): number[] {
  const ids = new Uint32Array(MAX_PROGRAMS)
  const attr = Buffer.alloc(ATTR_SIZE)
  attr.writeUInt32LE(dir, 0)
  attr.writeUInt32LE(BPF_CGROUP_DEVICE, 4)
  attr.writeBigUInt64LE(addressOf(ids), 16)
  attr.writeUInt32LE(MAX_PROGRAMS, 24)
  must('bpf(BPF_PROG_QUERY, device filters)', sys('bpf', BPF_PROG_QUERY, attr, ATTR_SIZE))
  return [...ids.subarray(0, attr.readUInt32LE(24))]
}

function programOf(id: number): number {
  const attr = Buffer.alloc(ATTR_SIZE)
  attr.writeUInt32LE(id, 0)
  return must(`bpf(BPF_PROG_GET_FD_BY_ID, ${id})`, sys('bpf', BPF_PROG_GET_FD_BY_ID, attr, ATTR_SIZE))
}

function detach(dir: number, program: number): void {
  const attr = Buffer.alloc(ATTR_SIZE)
  attr.writeUInt32LE(dir, 0)
  attr.writeUInt32LE(program, 4)
  attr.writeUInt32LE(BPF_CGROUP_DEVICE, 8)
  must('bpf(BPF_PROG_DETACH, device filter)', sys('bpf', BPF_PROG_DETACH, attr, ATTR_SIZE))
}

/** BPF_PROG_LOAD; returns the program's fd (close-on-exec, as all of bpf(2)'s). */
export function loadDeviceProgram(program: DeviceProgram): number {
  const instructions = encodeBpf(program.instructions)
  const license = Buffer.from('Apache\0')
  const attr = Buffer.alloc(ATTR_SIZE)
  attr.writeUInt32LE(BPF_PROG_TYPE_CGROUP_DEVICE, 0)
  attr.writeUInt32LE(program.instructions.length, 4)
  attr.writeBigUInt64LE(addressOf(instructions), 8)
  attr.writeBigUInt64LE(addressOf(license), 16)
  // KERNEL: a signal that comes while the verifier is at work ends it with EAGAIN.
  const load = () => withoutSignals(() => sys('bpf', BPF_PROG_LOAD, attr, ATTR_SIZE))
  let result = load()
  // KERNEL(<5.11): programs count as locked memory, and the limit's refusal looks like a missing capability.
  if (result === -1) {
    raiseMemlock()
    result = load()
  }
  return must('bpf(BPF_PROG_LOAD, device filter)', result)
}

function attach(dir: number, program: number): void {
  const attr = Buffer.alloc(ATTR_SIZE)
  attr.writeUInt32LE(dir, 0)
  attr.writeUInt32LE(program, 4)
  attr.writeUInt32LE(BPF_CGROUP_DEVICE, 8)
  attr.writeUInt32LE(BPF_F_ALLOW_MULTI, 12)
  must('bpf(BPF_PROG_ATTACH, device filter)', sys('bpf', BPF_PROG_ATTACH, attr, ATTR_SIZE))
}

function raiseMemlock(): void {
  // RLIM_INFINITY for both; without CAP_SYS_RESOURCE it fails, and then the load's own error is the one to report.
  sys('prlimit64', 0, RLIMIT_MEMLOCK, Buffer.alloc(16, 0xff), null)
}

/** Where the bytes are, for a pointer inside a structure. */
function addressOf(bytes: Uint8Array | Uint32Array): bigint {
  return BigInt(native(NATIVE.address, bytes))
}
