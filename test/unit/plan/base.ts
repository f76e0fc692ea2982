/** A configuration, facts and a request to start from, and the way from them to a plan. */
import { cleanPath, joinPath } from '../../../src/base/path.ts'
import { SECCOMP_FILTER_FLAG_NEW_LISTENER, SECCOMP_FILTER_FLAG_SPEC_ALLOW } from '../../../src/kernel/seccomp.ts'
import { buildPlan, planPhases } from '../../../src/plan/build.ts'
import { planCgroup } from '../../../src/plan/cgroup/plan.ts'
import { type CreateRequest, type PlanContext, planContext } from '../../../src/plan/context.ts'
import type { Facts } from '../../../src/plan/facts.ts'
import type { Phase } from '../../../src/plan/process_phases.ts'
import type { CompiledSeccomp } from '../../../src/plan/seccomp/model.ts'
import type { Plan } from '../../../src/plan/step.ts'
import type { Seccomp, Spec } from '../../../src/spec/types.gen.ts'
import { HYBRID, LEGACY, UNIFIED } from './cgroup/helper.ts'

/** What `davit spec` writes, shorter; with the terminal off. */
export const CONFIG: Spec = {
  ociVersion: '1.3.0',
  root: { path: 'rootfs' },
  process: {
    user: { uid: 0, gid: 0 },
    args: ['sh'],
    env: ['PATH=/usr/bin:/bin'],
    cwd: '/',
    capabilities: {
      bounding: ['CAP_KILL', 'CAP_NET_BIND_SERVICE'],
      effective: ['CAP_KILL', 'CAP_NET_BIND_SERVICE'],
      permitted: ['CAP_KILL', 'CAP_NET_BIND_SERVICE'],
    },
    noNewPrivileges: true,
  },
  mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }],
  linux: {
    namespaces: [{ type: 'pid' }, { type: 'network' }, { type: 'ipc' }, { type: 'uts' }, { type: 'mount' }],
  },
}

/** Root on a machine with cgroup v2 alone and a kernel of today. */
export const FACTS: Facts = {
  arch: 'x64',
  kernel: [6, 18],
  euid: 0,
  egid: 0,
  initialUserns: true,
  lastCap: 40,
  boundingCaps: '000001ffffffffff',
  effectiveCaps: '000001ffffffffff',
  setgroups: true,
  mayMount: true,
  cgroup: UNIFIED,
  apparmor: false,
  selinux: false,
}

export const CGROUPS = { unified: UNIFIED, hybrid: HYBRID, legacy: LEGACY, none: { mode: 'none', v1: [] } } as const

export const REQUEST: CreateRequest = {
  id: 'c1',
  bundle: '/b',
  verb: 'create',
  noPivot: false,
  noNewKeyring: false,
  mark: 'davit-mark',
  preserveFds: 0,
}

export interface Input {
  readonly config: Spec
  readonly facts: Facts
  readonly request: CreateRequest
}

export const INPUT: Input = { config: CONFIG, facts: FACTS, request: REQUEST }

// biome-ignore lint/suspicious/noExplicitAny: a patch reaches into unchecked JSON.
type Json = any

/** JSON merge patch (RFC 7396). */
export function merged(base: Json, patch: Json): Json {
  if (patch === null || typeof patch !== 'object' || Array.isArray(patch)) return patch
  const result: Record<string, Json> = { ...(base && typeof base === 'object' && !Array.isArray(base) ? base : {}) }
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key]
    else result[key] = merged(result[key], value)
  }
  return result
}

/** The base with patches; `cgroup` in the facts may be the name of a layout. */
export function inputOf(patch: { config?: Json; facts?: Json; request?: Json }, base: Input = INPUT): Input {
  const { cgroup, ...facts } = patch.facts ?? {}
  const layout = typeof cgroup === 'string' ? { cgroup: CGROUPS[cgroup as keyof typeof CGROUPS] } : {}
  return {
    config: merged(base.config, patch.config ?? {}),
    facts: { ...merged(base.facts, facts), ...layout },
    request: merged(base.request, patch.request ?? {}),
  }
}

/** What any profile is compiled to here: a filter that allows everything, with the agent if it names one. */
function compiled({ listenerPath }: Seccomp): CompiledSeccomp {
  const program = Uint8Array.of(6, 0, 0, 0, 0, 0, 0xff, 0x7f)
  if (!listenerPath) return { program, flags: SECCOMP_FILTER_FLAG_SPEC_ALLOW }
  return { program, flags: SECCOMP_FILTER_FLAG_NEW_LISTENER, listener: { path: listenerPath } }
}

/** What planners get, as src/lifecycle/create.ts puts it together. */
export function planInput({
  config,
  facts,
  request,
}: Input): Pick<PlanContext, 'spec' | 'facts' | 'request' | 'cgroup' | 'rootfs' | 'seccomp'> {
  const cgroup = planCgroup({
    id: request.id,
    cgroupsPath: config.linux?.cgroupsPath,
    resources: config.linux?.resources,
    facts: facts.cgroup,
    rootless: facts.euid !== 0 || !facts.initialUserns,
  })
  const root = config.root?.path ?? ''
  return {
    spec: config,
    facts,
    request,
    cgroup: cgroup.dirs.length > 0 ? cgroup : undefined,
    rootfs: root.startsWith('/') ? cleanPath(root) : joinPath(request.bundle, root),
    ...(config.linux?.seccomp ? { seccomp: compiled(config.linux.seccomp) } : {}),
  }
}

export function planOf(patch: Parameters<typeof inputOf>[0] = {}): Plan {
  return buildPlan(planInput(inputOf(patch)))
}

export function phasesOf(patch: Parameters<typeof inputOf>[0] = {}): Phase[] {
  return planPhases(planInput(inputOf(patch)))
}

/** What a single planner gets. */
export function planContextOf(patch: Parameters<typeof inputOf>[0] = {}): PlanContext {
  return planContext(planInput(inputOf(patch)))
}
