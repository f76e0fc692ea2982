/**
 * config.json: made up from its schema and changed, as values and as text. What is accepted is planned, checked, encoded,
 * and given to the executor, with sanitizers and a made-up kernel.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import fc from 'fast-check'
import { RuntimeError } from '../../src/base/errors.ts'
import { encodeExact, parseExact } from '../../src/base/json.ts'
import { parsePointer } from '../../src/base/pointer.ts'
import { buildPlan } from '../../src/plan/build.ts'
import { checkPlan } from '../../src/plan/check.ts'
import type { Facts } from '../../src/plan/facts.ts'
import { printPlan } from '../../src/plan/print.ts'
import type { Plan } from '../../src/plan/step.ts'
import { parseSpec } from '../../src/spec/config.ts'
import { reviewConfig } from '../../src/spec/review/review.ts'
import { checkRules } from '../../src/spec/rules/check.ts'
import type { Spec } from '../../src/spec/types.gen.ts'
import { encodePlan } from '../../src/wire/encode.ts'
import { repositoryPath } from '../support/place.ts'
import { CGROUPS, FACTS, planInput, REQUEST } from '../unit/plan/base.ts'
import { isThere, validConfig, withoutPlace } from '../unit/property/configs.ts'
import { mutateJson, mutateText } from './mutate.ts'
import type { Random } from './random.ts'
import { Blamed, checkError, type Target } from './target.ts'

/** The text of config.json, and the number of the host that it is planned for. */
type Input = readonly [text: string, host: number]

const HOSTS: readonly Facts[] = Object.values(CGROUPS).flatMap((cgroup) => [
  { ...FACTS, cgroup },
  { ...FACTS, cgroup, kernel: [5, 12], apparmor: true },
  { ...FACTS, cgroup, euid: 1000, egid: 1000, boundingCaps: '0', effectiveCaps: '0', mayMount: false },
  { ...FACTS, cgroup, initialUserns: false, selinux: true },
])

let pool: string[] = []

/** Generated configurations are dear: each is used a few times. */
function generated(random: Random): string {
  if (pool.length === 0 || random.oneIn(400)) {
    const made = fc.sample(validConfig, { numRuns: 10, seed: random.below(2 ** 31) })
    pool = [...pool.slice(-90), ...made.map(encodeExact)]
  }
  return random.pick(pool)
}

function make(random: Random, corpus: readonly Input[]): Input {
  const base = corpus.length > 0 && random.oneIn(5) ? random.pick(corpus)[0] : generated(random)
  return [changed(base, random), random.below(HOSTS.length)]
}

function changed(text: string, random: Random): string {
  if (random.oneIn(6)) return mutateText(text, random)
  try {
    const value = parseExact(text)
    return random.oneIn(3) ? text : encodeExact(mutateJson(value, random))
  } catch {
    return text // of the corpus, and no JSON
  }
}

async function specOf(text: string): Promise<Spec | undefined> {
  try {
    return (await parseSpec(text)).spec
  } catch (error) {
    checkError(error, ['config-syntax', 'config-invalid'])
    if (!(error instanceof RuntimeError) || error.code !== 'config-invalid') return undefined
    const value = parseExact(text)
    for (const { pointer, message } of error.problems) {
      const path = parsePointer(pointer)
      if (!isThere(value, path) && !isThere(value, path.slice(0, -1))) throw new Error(`${pointer} is nowhere`)
      if (message === '') throw new Error(`nothing is said of ${pointer}`)
    }
    return undefined
  }
}

/** The careful reader of `davit validate` comes to the same verdict. */
async function review(text: string, accepted: boolean): Promise<void> {
  const { findings } = await reviewConfig(text)
  const errors = findings.filter(({ severity }) => severity === 'error')
  if (accepted !== (errors.length === 0)) throw new Error(`validate sees ${errors.length} errors, create does not`)
}

const ARCH = process.arch === 'arm64' ? 'arm64' : 'x64'

/** Plans since the last look of the executor, each with what it came of. */
const waiting: { readonly bytes: Uint8Array; readonly input: Input }[] = []

/** The plan of a configuration, or of what is left of it without what this host or davit cannot do. */
function planOf(spec: Spec, facts: Facts): Plan | undefined {
  let left = spec
  for (let tries = 0; tries < 20; tries++) {
    try {
      return buildPlan(planInput({ config: left, facts, request: REQUEST }))
    } catch (error) {
      checkError(error)
      const [problem] = error instanceof RuntimeError ? error.problems : []
      if (!problem) return undefined
      left = withoutPlace(left, parsePointer(problem.pointer))
      if (checkRules(left).problems.length > 0) return undefined
    }
  }
  return undefined
}

async function run(input: Input): Promise<string> {
  const [text, host] = input
  const spec = await specOf(text)
  await review(text, spec !== undefined)
  if (!spec) return 'refused'
  const plan = planOf(spec, HOSTS[host] as Facts)
  if (!plan) return 'impossible'
  checkPlan(plan)
  printPlan(plan)
  const fds = new Map(plan.presets.map(({ slot }, i) => [slot, 10 + i]))
  for (const arch of ['x64', 'arm64'] as const) {
    const { bytes } = encodePlan(plan, fds, arch)
    if (arch === ARCH) waiting.push({ bytes: Uint8Array.from(bytes), input })
  }
  return 'planned'
}

/** Has the executor look at them: it must take each, and must not stumble whatever the kernel answers. */
function settle(): void {
  if (waiting.length === 0) return
  const folder = mkdtempSync(`${tmpdir()}/davit-fuzz-`)
  try {
    const pieces = waiting.flatMap(({ bytes }) => [new Uint8Array(Uint32Array.of(bytes.length).buffer), bytes])
    writeFileSync(`${folder}/plans`, Buffer.concat(pieces))
    execFileSync(repositoryPath('build/test/native-fuzz'), ['plans', `${folder}/plans`], { stdio: 'pipe' })
  } catch (error) {
    const said = String((error as { stderr?: Buffer }).stderr ?? error)
    const number = /^plan (\d+)/m.exec(said)?.[1]
    throw new Blamed(said, waiting[Number(number)]?.input)
  } finally {
    waiting.length = 0
    rmSync(folder, { recursive: true, force: true })
  }
}

export const CONFIG_TARGET: Target<Input> = { name: 'config', make, run, settle }
