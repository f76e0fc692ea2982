/**
 * The ids of idmapped mounts, mount_setattr(2). The kernel takes them from a user namespace, which somebody must have
 * been in: a davit-init that waits for a word is born into it, and killed when the namespace is open.
 */
import { RuntimeError, SysError } from '../base/errors.ts'
import { closeFd, openFile, readBytes, writeText } from '../ffi/file.ts'
import { libexecFolder } from '../ffi/libexec.ts'
import { cstring, must, sys } from '../ffi/native.ts'
import { sealedMemfd } from '../host/memfd.ts'
import { destroyChild, launch } from '../host/process.ts'
import { socketPair } from '../host/socket.ts'
import { AT_EMPTY_PATH, AT_RECURSIVE, O_RDONLY } from '../kernel/files.ts'
import { ATTR } from '../kernel/mount.ts'
import { NAMESPACES } from '../kernel/namespaces.ts'
import { SLOT } from '../plan/context.ts'
import type { HostStep, MountMap, Plan } from '../plan/step.ts'
import { TAGS } from '../plan/tags.ts'
import { encodePlan } from '../wire/encode.ts'
import { receiveUntil } from './dialogue.ts'
import type { Launching } from './launching.ts'

/** Takes the mount that the child sends, which is attached nowhere, and maps its ids. */
export function idmapMount(launching: Launching, step: Extract<HostStep, { kind: 'idmap' }>): void {
  let mount = -1
  receiveUntil(launching, (report, fd) => {
    if (report.kind !== 'fd' || report.tag !== TAGS.idmap || fd < 0) return false
    mount = fd
    return true
  })
  try {
    const key = 'namespace' in step.map ? step.map.namespace : `${step.map.uidMap}/${step.map.gidMap}`
    const namespace = launching.mountMaps.get(key) ?? openNamespace(step.map, launching.arch)
    launching.mountMaps.set(key, namespace)
    setIdmap(mount, namespace, step.recursive)
  } catch (error) {
    if (!(error instanceof SysError)) throw error
    const { doing, config } = step.origin
    const hint = error.errnoName === 'EINVAL' ? HINT : ''
    throw new RuntimeError(launching.failing.code, `${doing}, from ${config}: ${error.message}${hint}`)
  } finally {
    closeFd(mount)
  }
}

/** runc's words. */
const HINT = " (maybe the filesystem used doesn't support idmap mounts on this kernel?)"

/** Maps the ids of a mount that is attached nowhere, as `namespace`, an fd, has them. */
export function setIdmap(mount: number, namespace: number, recursive: boolean): void {
  // struct mount_attr: set, clear, propagation, userns_fd; 64 bits each.
  const attr = Uint32Array.of(ATTR.idmap, 0, 0, 0, 0, 0, namespace, 0)
  const flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0)
  must('failed to set MOUNT_ATTR_IDMAP', sys('mount_setattr', mount, cstring(''), flags, attr, 32))
}

/** An fd of a user namespace with these ids. */
export function openNamespace(map: MountMap, arch: 'x64' | 'arm64'): number {
  if ('namespace' in map) return openFile(map.namespace, O_RDONLY)
  const open = [...socketPair()]
  try {
    const [, theirs] = open as [number, number]
    const exe = sealedMemfd('davit-init', readBytes(`${libexecFolder()}/davit-init`), true)
    open.push(exe)
    const plan = sealedMemfd('davit-plan', encodePlan(WAIT, new Map([[SLOT.peer, theirs]]), arch).bytes, false)
    open.push(plan)
    const fds = [theirs, plan].map((fd) => [fd, -1] as const)
    const request = { exe, args: ['davit-init', String(plan)], env: [], flags: NAMESPACES.user.flag, fds }
    const child = launch('make a user namespace', request)
    try {
      writeText(`/proc/${child.pid}/uid_map`, map.uidMap)
      writeText(`/proc/${child.pid}/gid_map`, map.gidMap)
      return openFile(`/proc/${child.pid}/ns/user`, O_RDONLY)
    } finally {
      destroyChild(child)
    }
  } finally {
    for (const fd of open) closeFd(fd)
  }
}

/** It waits for an answer that never comes, and ends when we do. */
const WAIT: Plan = {
  parent: [],
  presets: [],
  stage: [],
  init: [{ kind: 'sync', tag: 'idmap', wait: true }],
  keepFds: 0,
  warnings: [],
}
