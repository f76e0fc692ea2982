/**
 * Proves what must hold of every plan before anything is done: a hang or a hole becomes a failing unit test, and a plan
 * that a user's experiment has broken is refused instead of run.
 */
import { PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS } from '../kernel/prctl.ts'
import { SECCOMP_FILTER_FLAG_NEW_LISTENER } from '../kernel/seccomp.ts'
import type { ChildStep, HostStep, Plan, Preset, Slot } from './step.ts'

/** Slots a step uses, and the one it fills. */
function slotsOf(step: ChildStep): { uses: Slot[]; fills: Slot | undefined } {
  const uses: Slot[] = []
  const note = (slot: unknown) => {
    if (typeof slot === 'number') uses.push(slot)
  }
  if ('dir' in step) note(step.dir)
  if ('slot' in step && step.kind !== 'close') note(step.slot)
  if ('root' in step) note(step.root)
  if ('mount' in step) note(step.mount)
  if ('proc' in step) note(step.proc)
  if (step.kind === 'attach') note(step.to)
  if (step.kind === 'copyTree') uses.push(step.from, step.to)
  if (step.kind === 'makePath' && typeof step.type === 'object') note(step.type.like)
  if (step.kind === 'fsmount') note(step.modeLike)
  if (step.kind === 'maskPath') note(step.nullDevice)
  if (step.kind === 'hook') uses.push(step.stdin, step.output, step.errors)
  if (step.kind === 'call') for (const arg of step.args) if (typeof arg === 'object' && 'slot' in arg) note(arg.slot)
  return { uses, fills: 'out' in step ? step.out : undefined }
}

/**
 * Follows both ways out of every step. Returns the slots that may be open at the end; what a jump passes over has
 * happened or not, so only what cannot be open on any way counts as empty.
 */
function checkSlots(name: string, steps: readonly ChildStep[], start: ReadonlySet<Slot>, allowed: ReadonlySet<Slot>) {
  const landings = new Map<number, Set<Slot>>()
  const join = (at: number, from: ReadonlySet<Slot>) => {
    const there = landings.get(at)
    if (there) for (const slot of from) there.add(slot)
    else landings.set(at, new Set(from))
  }
  let open = new Set(start)
  let reached = true
  for (const [i, step] of steps.entries()) {
    if (landings.has(i)) {
      if (reached) join(i, open)
      open = landings.get(i) as Set<Slot>
      reached = true
    }
    if (!reached) throw new Error(`bug: ${name} step ${i} (${step.kind}) is never reached`)
    checkStep(`${name} step ${i} (${step.kind})`, step, open, allowed)
    if (step.tolerate || step.kind === 'jump') join(i + 1 + (step.skip ?? 0), open)
    reached = step.kind !== 'jump'
    change(step, open)
  }
  return open
}

function checkStep(where: string, step: ChildStep, open: ReadonlySet<Slot>, allowed: ReadonlySet<Slot>): void {
  if (!step.ifOpen && !step.tolerate?.includes('EBADF')) {
    const missing = slotsOf(step).uses.filter((slot) => !open.has(slot))
    if (missing.length > 0) throw new Error(`bug: ${where} uses empty slot ${missing.join(', ')}`)
  }
  // CVE-2024-21626: what is looked up from here on are names of the image.
  if (step.kind !== 'findExecutable') return
  const left = [...open].filter((slot) => !allowed.has(slot))
  if (left.length > 0) throw new Error(`bug: ${where} runs while slot ${left.join(', ')} may lead to the host`)
}

/** What the step does to the slots when it succeeds. */
function change(step: ChildStep, open: Set<Slot>): void {
  const { fills } = slotsOf(step)
  if (step.kind === 'close') open.delete(step.slot)
  if (step.kind === 'attach') open.delete(step.to)
  if ((step.kind === 'attach' || step.kind === 'place') && !step.keep) open.delete(step.mount)
  if (step.kind === 'maskPath') open.add(step.emptyTmpfs)
  if (fills !== undefined) open.add(fills)
}

function checkJumps(name: string, steps: readonly ChildStep[]): void {
  for (const [i, step] of steps.entries()) {
    if (i + 1 + (step.skip ?? 0) > steps.length)
      throw new Error(`bug: ${name} step ${i} (${step.kind}) skips past the end`)
    if (step.skip && step.kind !== 'jump' && !step.tolerate)
      throw new Error(`bug: ${name} step ${i} skips without tolerating anything`)
  }
}

function hasListener(step: ChildStep): boolean {
  const filter = step.kind === 'exec' ? step.filter : step.kind === 'filter' ? step : undefined
  return filter !== undefined && (filter.flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) !== 0
}

/** Steps of the parent that take an fd, and what the child does to give it. */
const TAKES: { readonly [kind: string]: string } = {
  console: 'fd console',
  keepMount: 'fd mount',
  idmap: 'fd idmap',
  give: 'take give',
  listener: 'listener',
}

/** What a step of the child says to the parent. */
function saidBy(step: ChildStep): string[] {
  if (step.kind === 'sync') return [step.wait ? step.tag : `word ${step.tag}`]
  if (step.kind === 'sendFd') return [`fd ${step.tag}`]
  if (step.kind === 'take') return [`take ${step.tag}`]
  return hasListener(step) ? ['listener'] : []
}

function heardBy(step: HostStep): string[] {
  if (step.kind === 'await') return [step.tag]
  const takes = step.kind === 'hear' ? `word ${step.tag}` : TAKES[step.kind]
  return takes === undefined ? [] : [takes]
}

/** What whoever starts a created container understands, in any order (src/lifecycle/start.ts). */
const HEARD_BY_START = new Set(['fd hookOutput', 'listener', 'word hooked'])

/** Both sides must meet at the same points in the same order, or one waits for ever. */
function checkSyncs(plan: Plan): void {
  const wait = plan.init.findIndex(({ kind }) => kind === 'waitForStart')
  const here = wait < 0 ? plan.init : plan.init.slice(0, wait)
  const child = [...plan.stage, ...here].flatMap(saidBy)
  const parent = plan.parent.flatMap(heardBy)
  const odd = plan.init
    .slice(here.length)
    .flatMap(saidBy)
    .find((word) => !HEARD_BY_START.has(word))
  if (odd) throw new Error(`bug: who starts a container does not understand ${odd}`)
  if (child.join() !== parent.join()) throw new Error(`bug: child syncs [${child}] but parent awaits [${parent}]`)
  const answers = plan.parent.flatMap((step) => (step.kind === 'answer' ? [step.tag] : []))
  const awaits = plan.parent.flatMap((step) => (step.kind === 'await' ? [step.tag] : []))
  if (answers.join() !== awaits.join()) throw new Error(`bug: parent awaits [${awaits}] but answers [${answers}]`)
}

/** Steps that need CAP_SYS_ADMIN or its like, and so must come before the capabilities go. */
const PRIVILEGED = new Set<ChildStep['kind']>([
  'fsmount', 'cloneTree', 'setAttributes', 'attach', 'place', 'maskPath', 'readonlyPath', 'attachAt', 'propagation', 'pivotRoot', 'moveRoot', 'chroot', 'unmount',
  'unshare', 'join', 'joinProcess', 'hostname', 'domainname', 'mknod', 'boundingDrop', 'setgroups', 'rlimit', 'netlink', 'scheduler', 'ioPriority', 'label',
]) // biome-ignore format: a table

function checkOrder(plan: Plan): void {
  const kinds = plan.init.map((step) => step.kind)
  const capset = kinds.indexOf('capset')
  const late = kinds.findIndex((kind, i) => capset >= 0 && i > capset && PRIVILEGED.has(kind))
  if (late >= 0) throw new Error(`bug: init step ${late} (${kinds[late]}) comes after the capabilities are dropped`)
  const exec = kinds.indexOf('exec')
  if (exec !== kinds.length - 1) throw new Error('bug: exec is not the last step of init')
  const find = kinds.indexOf('findExecutable')
  if (find < capset || find < 0) throw new Error('bug: the executable is not looked up with the final identity')
  const hostPropagation = kinds.includes('propagation')
  const ownMounts = plan.parent.some((step) => step.kind === 'launch' && step.names.includes('mount'))
  const joined = plan.stage.some(
    (step) => step.kind === 'join' || (step.kind === 'unshare' && step.names.includes('mount')),
  )
  if (hostPropagation && !ownMounts && !joined) throw new Error('bug: propagation is changed without a mount namespace')
}

/** What may follow a filter: nothing that a profile could not be expected to allow, but for hooks as in runc. */
const UNDER_FILTER = new Set<ChildStep['kind']>(['hook', 'close', 'capset', 'exec'])

/** One filter at the most, after everything else, and CAP_SYS_ADMIN kept for it and for nothing else. */
function checkFilter({ init }: Plan): void {
  const places = init.flatMap((step, i) => (step.kind === 'filter' || (step.kind === 'exec' && step.filter) ? [i] : []))
  const [at = -1] = places
  if (places.length > 1) throw new Error(`bug: init steps ${places} each load a seccomp filter`)
  const allowed = (step: ChildStep) => UNDER_FILTER.has(step.kind) || (step.kind === 'sync' && !step.wait)
  const late = at < 0 ? undefined : init.slice(at + 1).find((step) => !allowed(step))
  if (late) throw new Error(`bug: ${late.kind} comes after the seccomp filter`)
  const keeps = init.flatMap((step) => (step.kind === 'capset' ? [step.keep !== undefined] : []))
  const unprivileged = init.some((step) => step.kind === 'prctl' && step.option === PR_SET_NO_NEW_PRIVS)
  const needed = at >= 0 && !unprivileged
  if ((keeps[0] ?? false) !== needed)
    throw new Error(`bug: CAP_SYS_ADMIN is ${needed ? 'not ' : ''}kept for a seccomp filter`)
  const dropped = init[at]?.kind !== 'filter' || keeps.length === (needed ? 2 : 1)
  if (!dropped || keeps.slice(1).includes(true)) throw new Error('bug: hooks run with CAP_SYS_ADMIN kept')
}

/** Presets that lead nowhere on the host, and so may be open until exec. */
const LASTING = new Set<Preset['kind']>(['socket', 'startSocket', 'hookState', 'hookOutput', 'hookFile'])

function checkFlow(plan: Plan): ReadonlySet<Slot> {
  const open = new Set(plan.presets.map(({ slot }) => slot))
  if (open.size !== plan.presets.length) throw new Error('bug: two presets share a slot')
  checkJumps('stage', plan.stage)
  checkJumps('init', plan.init)
  checkSyncs(plan)
  return open
}

/** What would run something, or could be seen by the container's processes. */
const NOT_FOR_VISITORS = new Set<ChildStep['kind']>(['hook', 'findExecutable', 'exec', 'fork', 'duplicate'])

/** The same for a plan that enters a container to do something there and leaves again: nothing of the image is run. */
export function checkVisit(plan: Plan): void {
  const open = checkFlow(plan)
  if (plan.stage.length > 0) throw new Error('bug: a visitor has no stage')
  const other = plan.init.find(({ kind }) => NOT_FOR_VISITORS.has(kind))
  if (other) throw new Error(`bug: a visitor does not ${other.kind}`)
  const join = plan.init.findIndex(({ kind }) => kind === 'joinProcess')
  const hide = plan.init.findIndex((step) => step.kind === 'prctl' && step.option === PR_SET_DUMPABLE)
  if (hide < 0 || join < hide) throw new Error('bug: a visitor can be traced when it enters')
  checkSlots('init', plan.init, open, open)
}

/** Throws on the first invariant that does not hold. */
export function checkPlan(plan: Plan): void {
  const open = checkFlow(plan)
  checkOrder(plan)
  checkFilter(plan)
  const lasting = plan.presets.filter(({ kind }) => LASTING.has(kind)).map(({ slot }) => slot)
  const kept = checkSlots('stage', plan.stage, open, open)
  checkSlots('init', plan.init, kept, new Set(lasting))
}
