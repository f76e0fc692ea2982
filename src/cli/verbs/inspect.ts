/** davit spec, features, plan: verbs that make no container. */
import { RuntimeError, SysError } from '../../base/errors.ts'
import { absolutePath, joinPath } from '../../base/path.ts'
import { openFile, withFd, writeFd } from '../../ffi/file.ts'
import { gatherFacts } from '../../host/facts.ts'
import { CAPABILITY_NAMES } from '../../kernel/capabilities.ts'
import { O_CREAT, O_EXCL, O_WRONLY } from '../../kernel/files.ts'
import { MEMORY_FLAGS, MEMORY_MODES } from '../../kernel/memory_policy.ts'
import { knownMountOptions } from '../../kernel/mount_options.ts'
import { NAMESPACES } from '../../kernel/namespaces.ts'
import { planContainer } from '../../lifecycle/create.ts'
import { loadBundle } from '../../lifecycle/load.ts'
import { compileSeccomp } from '../../lifecycle/seccomp.ts'
import { systemdFacts } from '../../lifecycle/units.ts'
import { checkPlan } from '../../plan/check.ts'
import { hooksOf } from '../../plan/hooks.ts'
import { actedOn } from '../../spec/annotations.ts'
import { COMMIT, VERSION } from '../edition.ts'
import { featuresText } from '../features_document.ts'
import { planJson, planText } from '../plan_text.ts'
import { print, type Session } from '../session.ts'
import { specExistsMessage, specText } from '../spec_document.ts'
import type { CommandOf } from '../table.ts'

export function spec(command: CommandOf<'spec'>, { runtime }: Session): number {
  const facts = gatherFacts()
  const name = command.options.file ?? 'config.json'
  const path = joinPath(absolutePath(command.options.bundle ?? '.', runtime.cwd), name)
  const text = specText({
    rootless: command.options.rootless,
    euid: facts.euid,
    egid: facts.egid,
    cgroup2: facts.cgroup.mode === 'unified',
  })
  try {
    withFd(openFile(path, O_WRONLY | O_CREAT | O_EXCL, 0o666), (fd) => writeFd(fd, text, `"${path}"`))
  } catch (error) {
    if (error instanceof SysError && error.errnoName === 'EEXIST')
      throw new RuntimeError('usage', specExistsMessage(name))
    throw error
  }
  return 0
}

export async function features(): Promise<number> {
  const seccomp = (await import('../../host/seccomp/features.ts')).seccompFeatures()
  print(
    featuresText({
      version: VERSION,
      commit: COMMIT,
      mountOptions: knownMountOptions(),
      namespaces: Object.keys(NAMESPACES),
      // SPEC: features-linux.md#capabilities: those of newer kernels, too.
      capabilities: CAPABILITY_NAMES,
      cgroup: { v1: true, v2: true, systemd: true, systemdUser: true, rdma: true },
      ...(seccomp ? { seccomp: seccomp.words, libseccomp: seccomp.version } : {}),
      apparmor: true,
      selinux: true,
      idmap: true,
      intelRdt: { enabled: true, schemata: true, monitoring: true },
      netDevices: true,
      memoryPolicy: { modes: Object.keys(MEMORY_MODES), flags: Object.keys(MEMORY_FLAGS) },
      checkpoint: true,
      unsafeAnnotations: actedOn(),
    }),
  )
  return 0
}

export async function plan(command: CommandOf<'plan'>, { runtime }: Session): Promise<number> {
  const { bundle = '.', config, format } = command.options
  const loaded = await loadBundle(runtime, bundle, config || undefined)
  const facts = gatherFacts(loaded.spec)
  const options = {
    id: command.positionals.id,
    bundle,
    verb: 'create',
    detach: true,
    noPivot: false,
    noNewKeyring: false,
    preserveFds: 0,
  } as const
  const seccomp = await compileSeccomp(runtime, loaded.spec, facts, false)
  const made = planContainer(runtime, loaded, facts, options, seccomp, await systemdFacts(runtime, facts))
  // What create does not spend time on: the planners are held to these invariants by tests.
  checkPlan(made.plan)
  const later = { poststart: hooksOf(loaded, 'poststart'), poststop: hooksOf(loaded, 'poststop') }
  print(format === 'json' ? planJson({ ...made, ...later }) : planText({ ...made, ...later }))
  return 0
}
