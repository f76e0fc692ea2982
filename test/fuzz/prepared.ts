/**
 * What `create` has prepared of `start` and `delete`, `kill` and `state`, as a disk might spoil it. The static front is run where it finds no
 * engine: it does all of what was prepared, or hands everything over with nothing done, and says so. Containers beside
 * it, one in each of the phases, are as they were. Now and then the engine is there: then the verb does what it always
 * does. In a cage, whose process 1 takes note of all that end.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { hierarchies } from '../../conformance/host.ts'
import { RUNTIME } from '../support/place.ts'
import { cageCgroup, cageFolder } from './cage.ts'
import { type Edit, makeEdit, putEdited } from './prepared_edits.ts'
import type { Random } from './random.ts'
import { sleepingBundle } from './sleeping.ts'
import type { Target } from './target.ts'

/** As long as the others': then a path of one is the path of another with a few bytes changed. */
const ID = 'aa'

const PHASES = ['created', 'running', 'stopped'] as const
type Phase = (typeof PHASES)[number]
const VERBS = {
  start: ['start', ID],
  delete: ['delete', ID],
  force: ['delete', '--force', ID],
  kill: ['kill', ID, '9'],
  state: ['state', ID],
} as const
type Verb = keyof typeof VERBS

/** The files, and which has the program of a verb. */
const FILES = ['prepared', 'asked'] as const
const fileOf = (verb: Verb) => FILES[verb === 'kill' || verb === 'state' ? 1 : 0]

interface Input {
  readonly phase: Phase
  readonly verb: Verb
  readonly edits: readonly Edit[]
  /** Whether what is handed over is taken. */
  readonly engine: boolean
}

const OTHERS = { bb: 'created', cc: 'running', dd: 'stopped' } as const satisfies Readonly<Record<string, Phase>>

const root = () => `${cageFolder()}/root`
const folderOf = (id: string) => `${root()}/${id}`
const pathOf = (id: string, file: string) => `${folderOf(id)}/${file}`
const cgroupsOf = (id: string) => hierarchies().map((path) => `${path}${cageCgroup()}/${id}`)

function davit(...args: string[]): void {
  execFileSync(RUNTIME, ['--root', root(), ...args], { stdio: ['ignore', 'ignore', 'inherit'] })
}

/** Makes a container, and brings it so far; its init's pid. */
function make(id: string, phase: Phase): number {
  davit('create', '--bundle', sleepingBundle(`${cageFolder()}/${id}`, `${cageCgroup()}/${id}`), id)
  const { pid } = JSON.parse(readFileSync(`${folderOf(id)}/state.json`, 'utf8'))
  if (phase !== 'created') davit('start', id)
  if (phase === 'stopped') end(pid)
  return pid
}

function end(pid: number): void {
  process.kill(pid, 'SIGKILL')
  awaitEnd(pid)
}

function awaitEnd(pid: number): void {
  while (existsSync(`/proc/${pid}`)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
}

const attempt = (path: string) => {
  try {
    return readFileSync(path, 'latin1')
  } catch (error) {
    return (error as NodeJS.ErrnoException).code
  }
}

/** All of a container that a runtime might touch, but for what is prepared. */
function picture(id: string, pid: number): string {
  const names = existsSync(folderOf(id)) ? readdirSync(folderOf(id)).sort() : []
  const files = names
    .filter((name) => !FILES.some((file) => file === name))
    .map((name) => [name, attempt(`${folderOf(id)}/${name}`)])
  return JSON.stringify([files, attempt(`/proc/${pid}/comm`), cgroupsOf(id).filter((path) => existsSync(path))])
}

interface Scene {
  /** The front, with no engine where it looks for one. */
  readonly front: string
  readonly others: readonly { readonly id: string; readonly pid: number; readonly before: string }[]
}
let scene: Scene | undefined

function theScene(): Scene {
  if (scene) return scene
  mkdirSync(`${cageFolder()}/front`)
  const front = `${cageFolder()}/front/davit`
  copyFileSync(RUNTIME, front)
  const others = Object.entries(OTHERS).map(([id, phase]) => {
    const pid = make(id, phase)
    return { id, pid, before: whole(id, pid) }
  })
  scene = { front, others }
  return scene
}

const whole = (id: string, pid: number) => [picture(id, pid), ...FILES.map((file) => attempt(pathOf(id, file)))].join()

/** The container that it is about. */
let current: { pid: number; phase: Phase; files: Readonly<Record<(typeof FILES)[number], Buffer>> } | undefined

function reach(phase: Phase): NonNullable<typeof current> {
  if (current && PHASES.indexOf(current.phase) > PHASES.indexOf(phase)) remove()
  if (!current) {
    const pid = make(ID, phase)
    const [prepared, asked] = [readFileSync(pathOf(ID, 'prepared')), readFileSync(pathOf(ID, 'asked'))]
    current = { pid, phase, files: { prepared, asked } }
  }
  if (current.phase === 'created' && phase !== 'created') davit('start', ID)
  if (current.phase !== 'stopped' && phase === 'stopped') end(current.pid)
  current.phase = phase
  return current
}

/** Whatever is left of it. */
function remove(): void {
  for (const file of FILES) rmSync(pathOf(ID, file), { recursive: true, force: true })
  if (existsSync(folderOf(ID))) davit('delete', '--force', ID)
  current = undefined
}

function makeInput(random: Random): Input {
  const phase = random.oneIn(4) || !current ? random.pick(PHASES) : current.phase
  const count = random.pick([0, 1, 1, 1, 1, 2, 3, 6])
  const edits = Array.from({ length: count }, () => makeEdit(random, Object.keys(OTHERS)))
  return { phase, verb: random.pick(['start', 'delete', 'force', 'kill', 'state']), edits, engine: random.oneIn(20) }
}

/** What a verb comes to, whoever does it: whether it succeeds, and the phase that the container is then in, if any. */
const OUTCOME: Readonly<Record<`${Phase} ${Verb}`, readonly [done: boolean, then: Phase | 'gone']>> = {
  'created start': [true, 'running'],
  // As runc: nothing of it has run yet.
  'created delete': [true, 'gone'],
  'created force': [true, 'gone'],
  'running start': [false, 'running'],
  'running delete': [false, 'running'],
  'running force': [true, 'gone'],
  'stopped start': [false, 'stopped'],
  'stopped delete': [true, 'gone'],
  'stopped force': [true, 'gone'],
  'created kill': [true, 'stopped'],
  'running kill': [true, 'stopped'],
  'stopped kill': [false, 'stopped'],
  'created state': [true, 'created'],
  'running state': [true, 'running'],
  'stopped state': [true, 'stopped'],
}

/** Where the front alone is enough. */
const FRONTS: readonly string[] = [
  ...['created start', 'stopped delete', 'stopped force'],
  ...['created kill', 'running kill', 'created state', 'running state'],
]

function run({ phase, verb, edits, engine }: Input): string {
  const { front, others } = theScene()
  const { pid, files } = reach(phase)
  let intact = true
  for (const file of FILES) {
    const original = {
      id: ID,
      bytes: files[file],
      pathOf: (id: string) => pathOf(id, file),
      bytesOf: (id: string) => readFileSync(pathOf(id, file)),
    }
    const whole = putEdited(pathOf(ID, file), file === fileOf(verb) ? edits : [], original)
    intact &&= whole
  }
  const before = picture(ID, pid)
  const argv = ['--root', root(), ...(VERBS[verb] ?? [])]
  const { status, signal, stderr } = spawnSync(engine ? RUNTIME : front, argv, { encoding: 'utf8', timeout: 20_000 })
  const name = `${phase} ${verb}` as const
  const said = `${name}: ${signal ?? status}: ${stderr}`
  try {
    if (status === null || status > 1) throw new Error(said)
    for (const each of others)
      if (whole(each.id, each.pid) !== each.before)
        throw new Error(`another container, ${each.id}, is changed: ${said}`)
    const handedOver = status === 1 && /^davit: cannot execute [^\n]*: the installation is incomplete\n$/.test(stderr)
    if (!engine && handedOver) {
      if (intact && FRONTS.includes(name)) throw new Error(`what is intact is not run: ${said}`)
      if (picture(ID, pid) !== before) throw new Error(`something was done before the engine was called: ${said}`)
      return `${intact ? 'intact' : 'spoilt'} left to the engine`
    }
    if (!engine && !(intact && FRONTS.includes(name))) throw new Error(`what is spoilt was run: ${said}`)
    checkOutcome(name, status === 0, said, pid)
    return engine ? 'engine' : `${verb === 'force' ? 'delete' : verb} without the engine`
  } catch (error) {
    startAgain()
    throw error
  }
}

/** Nothing of a fault is left to the next input. */
function startAgain(): void {
  rmSync(root(), { recursive: true, force: true })
  rmSync(`${cageFolder()}/front`, { recursive: true, force: true })
  for (const { pid } of [...(scene?.others ?? []), ...(current ? [current] : [])])
    if (existsSync(`/proc/${pid}`)) end(pid)
  for (const path of [ID, ...Object.keys(OTHERS)].flatMap(cgroupsOf))
    if (existsSync(path)) execFileSync('rmdir', [path])
  current = undefined
  scene = undefined
}

function checkOutcome(name: keyof typeof OUTCOME, done: boolean, said: string, pid: number): void {
  const [success, then] = OUTCOME[name] ?? []
  if (done !== success) throw new Error(said)
  if (then === 'stopped') awaitEnd(pid)
  const is = !existsSync(`/proc/${pid}`)
    ? 'stopped'
    : attempt(`/proc/${pid}/comm`) === 'sleep\n'
      ? 'running'
      : 'created'
  const gone = !existsSync(folderOf(ID)) && cgroupsOf(ID).every((path) => !existsSync(path))
  const now = gone ? 'gone' : is
  if (now !== then) throw new Error(`it is ${now}: ${said}`)
  if (now === 'gone') current = undefined
  else if (current) current.phase = now
}

export const PREPARED_TARGET: Target<Input> = { name: 'prepared', caged: true, make: makeInput, run }
