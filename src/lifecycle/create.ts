/**
 * `create` and the first half of `run`: validate and plan everything, then claim the id, then act. After any failure
 * nothing is left: what was made is taken back in reverse, and the first error is the one that is told.
 */
import { RuntimeError } from '../base/errors.ts'
import { encodeJson } from '../base/json.ts'
import { absolutePath } from '../base/path.ts'
import { closeFd } from '../ffi/file.ts'
import { readBelow } from '../host/accounts.ts'
import { callerSelf, type ListenFds } from '../host/caller.ts'
import { gatherFacts } from '../host/facts.ts'
import { freshMark } from '../host/process.ts'
import type { Signals } from '../host/signals.ts'
import { NOTIFY_STATE, withActivation } from '../plan/activation.ts'
import { buildPlan } from '../plan/build.ts'
import type { SystemdFacts } from '../plan/cgroup/unit_name.ts'
import type { CreateRequest } from '../plan/context.ts'
import type { Facts } from '../plan/facts.ts'
import { withHomeOf } from '../plan/home.ts'
import type { CompiledSeccomp } from '../plan/seccomp/model.ts'
import { withClaim } from '../state/claim.ts'
import { makeStateFolder } from '../state/folder.ts'
import { checkId } from '../state/ids.ts'
import type { ContainerRecord } from '../state/record.ts'
import { writeRecord } from '../state/store.ts'
import { chooseCgroup } from './cgroup_choice.ts'
import { checkConsole, connectConsole } from './console.ts'
import { Creation } from './creation.ts'
import { closeHookFiles, type HookFiles, openHookFiles } from './hook_files.ts'
import { type Bundle, loadBundle, realRootfs } from './load.ts'
import { making } from './making.ts'
import { newRecord, refuseUsedUnit } from './new_record.ts'
import type { Notifier } from './notify.ts'
import { runParent } from './parent.ts'
import { closePidfdSockets, connectPidfdSockets, pidfdPaths } from './pidfd_socket.ts'
import { checkPreserved } from './preserved.ts'
import { programsOf } from './programs.ts'
import type { Runtime } from './runtime.ts'
import { compileSeccomp } from './seccomp.ts'
import { sourceLinks } from './source_links.ts'
import type { ContainerState } from './state.ts'
import { systemdFacts } from './units.ts'

/** The flags of create and run. */
export interface CreateOptions {
  readonly id: string
  readonly bundle: string
  readonly configFile?: string
  readonly verb: 'create' | 'run'
  readonly detach: boolean
  /** What `state` is to print of it. */
  readonly show?: (state: ContainerState) => string
  /** Of a `run` in the foreground: leave the stopped container's state and cgroups. */
  readonly keep?: boolean
  readonly noPivot: boolean
  readonly noNewKeyring: boolean
  readonly preserveFds: number
  readonly pidFile?: string
  readonly consoleSocket?: string
  readonly pidfdSocket?: string
  /** Where the service manager waits for READY=1; see src/host/caller.ts. */
  readonly notifySocket?: string
  /** The first of the fds to hand on are sockets of a service manager's; the preserved ones come after them. */
  readonly listenFds?: ListenFds
}

/**
 * Validates and plans; creates nothing. Also what `davit plan` shows. `seccomp` is what {@link compileSeccomp} makes of
 * the bundle, and needed where linux.seccomp is there.
 */
export function planContainer(
  runtime: Runtime,
  bundle: Bundle,
  facts: Facts,
  options: CreateOptions & Pick<CreateRequest, 'mark'>,
  seccomp?: CompiledSeccomp,
  systemd?: SystemdFacts,
) {
  const spec = withHomeOf(bundle.spec, bundle.rootfs, bundle.path, ({ base, inner }) => readBelow(base, inner))
  const cgroup = chooseCgroup(runtime, spec, facts, options.id, systemd)
  const pidfdSockets = pidfdPaths(options.pidfdSocket, spec.annotations, runtime.cwd)
  const request: CreateRequest = {
    id: options.id,
    bundle: bundle.path,
    verb: options.verb,
    noPivot: options.noPivot,
    noNewKeyring: options.noNewKeyring,
    ...(options.mark === undefined ? {} : { mark: options.mark }),
    ...sourceLinks(spec.mounts, bundle.path),
    preserveFds: (options.listenFds?.count ?? 0) + options.preserveFds,
    ...(options.notifySocket === undefined ? {} : { notifyFolder: `${runtime.root}/${options.id}/${NOTIFY_STATE}` }),
    ...(options.pidFile === undefined ? {} : { pidFile: absolutePath(options.pidFile, runtime.cwd) }),
    ...(pidfdSockets.length > 0 ? { pidfdSockets } : {}),
  }
  const plan = buildPlan({
    spec: withActivation(spec, { listen: options.listenFds, notify: options.notifySocket !== undefined }),
    facts,
    request,
    cgroup,
    rootfs: bundle.rootfs,
    ...(seccomp ? { seccomp } : {}),
  })
  return { plan, cgroup }
}

/** Whether davit stays, and does no more than native/watch.c does. */
function isForeground({ verb, detach, keep }: CreateOptions): boolean {
  return verb === 'run' && !detach && keep === false && callerSelf() !== undefined
}

/** What only a container that is really made needs: a process, and a rootfs that is there. */
export function usable(bundle: Bundle): Bundle {
  if (!bundle.spec.process) {
    throw new RuntimeError('config-invalid', 'invalid config.json: /process: required to start a container')
  }
  return { ...bundle, rootfs: realRootfs(bundle.rootfs) }
}

/**
 * Creates the container. With verb "run" its init has been told to exec when this returns, with "create" it waits.
 * The caller ends the Creation. With `signals` one that asks davit to end takes everything back.
 */
export async function createContainer(runtime: Runtime, options: CreateOptions, signals?: Signals): Promise<Creation> {
  checkId(options.id)
  checkPreserved(options.preserveFds, options.listenFds?.count)
  const bundle = usable(await loadBundle(runtime, options.bundle, options.configFile))
  checkConsole(
    bundle.spec.process?.terminal ?? false,
    options.verb === 'create' || options.detach,
    options.consoleSocket,
  )
  const facts = gatherFacts(bundle.spec)
  const seccomp = await compileSeccomp(runtime, bundle.spec, facts)
  const mark = seccomp === undefined ? undefined : freshMark()
  const systemd = await systemdFacts(runtime, facts)
  const { plan, cgroup } = planContainer(
    runtime,
    bundle,
    facts,
    { ...options, ...(mark === undefined ? {} : { mark }) },
    seccomp,
    systemd,
  )
  refuseUsedUnit(cgroup)
  for (const warning of plan.warnings) runtime.log.warning(warning)

  // As it was understood, so that whoever reads it need not check it again.
  const config = encodeJson(bundle.spec, 'config.json')
  // ORDER: before anything is made: whoever is to get the terminal or a pidfd must be there.
  const pidfdSockets = connectPidfdSockets(
    plan.parent.flatMap((step) => (step.kind === 'sendPidfd' ? [step.path] : [])),
  )
  let console = -1
  let notifier: Notifier | undefined
  let hookFiles: HookFiles = {}
  try {
    if (bundle.spec.hooks) hookFiles = openHookFiles(bundle.spec, bundle.path)
    if (options.notifySocket !== undefined && options.verb === 'run')
      notifier = (await import('./notify.ts')).openNotifier(options.notifySocket, runtime.log)
    console = connectConsole(options.consoleSocket && absolutePath(options.consoleSocket, runtime.cwd))
    const creation = withClaim(runtime.root, options.id, (claim) => {
      const record: ContainerRecord = {
        ...newRecord(options.id, bundle, cgroup, config),
        ...(options.noNewKeyring ? { noNewKeyring: true } : {}),
        ...(seccomp && mark !== undefined
          ? { seccomp: { mark, ...(seccomp.listener ? { listener: seccomp.listener } : {}) } }
          : {}),
      }
      return new Creation(runtime, claim, record, plan, cgroup, programsOf(plan, facts.arch), console, mark ?? '')
    })
    const { claim, record } = creation
    creation.pidfdSockets = pidfdSockets
    if (record.cgroup) creation.limited = record.cgroup
    creation.notifier = notifier
    if (options.notifySocket === undefined) {
      creation.foreground = isForeground(options) && !bundle.spec.process?.terminal
      if (options.verb === 'create' || options.detach || creation.foreground) creation.prepares = options.verb
    }
    creation.show = options.show
    creation.hookFiles = hookFiles
    hookFiles = {}
    creation.signals = signals
    try {
      if (plan.parent.some((step) => step.kind === 'makeRdt'))
        creation.rdt = (await import('./intel_rdt.ts')).intelRdt()
      if (plan.parent.some((step) => step.kind === 'netDevice'))
        creation.network = (await import('./net_devices.ts')).netDevices()
      // ORDER: on disk before anything exists that a killed runtime could leave behind.
      writeRecord(claim, record)
      creation.config = config
      if (options.notifySocket !== undefined) makeStateFolder(claim, NOTIFY_STATE)
      notifier?.listen(claim)
      runParent(creation, making(creation))
      return creation
    } catch (error) {
      creation.undo()
      throw error
    }
  } catch (error) {
    notifier?.close()
    closeHookFiles(hookFiles)
    throw error
  } finally {
    if (console >= 0) closeFd(console)
    closePidfdSockets(pidfdSockets)
  }
}
