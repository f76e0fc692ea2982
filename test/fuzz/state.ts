/**
 * The state of a container that lives, changed: every verb says what is wrong, or acts on the container and on nothing
 * else. In a cage: whatever else davit tried to write to is read-only, and saying so is a fault.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hierarchies, isAlive } from '../../conformance/host.ts'
import { closeFd } from '../../src/ffi/file.ts'
import { deleteContainer } from '../../src/lifecycle/delete.ts'
import { openTarget } from '../../src/lifecycle/exec_target.ts'
import { killContainer } from '../../src/lifecycle/kill.ts'
import { pauseContainer, resumeContainer } from '../../src/lifecycle/pause.ts'
import type { Runtime } from '../../src/lifecycle/runtime.ts'
import { containerState, listStates } from '../../src/lifecycle/state.ts'
import { RUNTIME } from '../support/place.ts'
import { type Json, ODD_VALUES } from '../unit/spec/configs.ts'
import { cageCgroup, cageFolder } from './cage.ts'
import { mutateJson, mutateText } from './mutate.ts'
import type { Random } from './random.ts'
import { sleepingBundle } from './sleeping.ts'
import { checkError, type Target } from './target.ts'

const VERBS = ['state', 'list', 'look', 'signal', 'kill', 'all', 'pause', 'resume', 'delete', 'force', 'exec'] as const

interface Input {
  readonly verb: (typeof VERBS)[number]
  /** Texts of the files; the container's pid, start time and places are written as in {@link names}. */
  readonly files: Readonly<Record<string, string>>
}

const ID = 'c'
const quiet = () => {}

const folder = () => cageFolder() ?? ''
const root = () => `${folder()}/root`

/** A container that runs, made anew when it was killed. */
interface Living {
  readonly pid: number
  readonly files: Record<string, string>
}
let living: Living | undefined
/** Somebody else's process. */
let canary: ChildProcess | undefined

function bundle(): string {
  for (const name of ['empty', 'full/inner']) mkdirSync(`${folder()}/others/${name}`, { recursive: true })
  writeFileSync(`${folder()}/others/file`, 'kept')
  return sleepingBundle(`${folder()}/bundle`, `${cageCgroup()}/c`)
}

const readAll = (path: string) =>
  Object.fromEntries(['state.json', 'config.json'].map((name) => [name, readFileSync(`${path}/${name}`, 'utf8')]))

function alive(): Living {
  canary ??= spawn('sleep', ['100000'], { stdio: 'ignore' })
  if (living && isAlive(living.pid)) return living
  const path = bundle()
  if (living) {
    place(living.files)
    execFileSync(RUNTIME, ['--root', root(), 'delete', '--force', ID], { stdio: 'pipe' })
  }
  rmSync(root(), { recursive: true, force: true })
  for (const each of hierarchies()) execFileSync('sh', ['-c', `rmdir ${each}${cageCgroup()}/* 2>/dev/null || :`])
  const argv = ['--root', root(), 'run', '--detach', '--bundle', path, ID]
  execFileSync(RUNTIME, argv, { stdio: ['ignore', 'ignore', 'inherit'] })
  const files = readAll(`${root()}/${ID}`)
  living = { pid: JSON.parse(files['state.json'] ?? '').pid, files }
  return living
}

/** What differs from one container, and one machine, to the next. */
function names({ pid, files }: Living): readonly (readonly [real: string, name: string])[] {
  const { startTime, created } = JSON.parse(files['state.json'] ?? '')
  return [
    [folder(), '/FOLDER'],
    [cageCgroup(), '/CGROUP'],
    [`"pid":${pid},`, '"pid":111111,'],
    [`"pid":${canary?.pid},`, '"pid":333333,'],
    [`"startTime":${startTime},`, '"startTime":222222,'],
    [created, 'CREATED'],
  ]
}

function replace(text: string, pairs: readonly (readonly [string, string])[]): string {
  return pairs.reduce((all, [from, to]) => all.replaceAll(from, to), text)
}

/** What is put into places of a record. */
function odd(): readonly Json[] {
  const own = hierarchies()
  const places = [
    '/',
    '/proc',
    '/tmp',
    'c',
    '..',
    '/FOLDER/others/empty',
    '/FOLDER/others/full',
    '/FOLDER/root',
    ...own,
  ]
  const paths = [...places, ...own.map((path) => `${path}/CGROUP`), ...own.map((path) => `${path}/CGROUP/../`)]
  const lists = paths.map((path) => [path])
  const numbers = [1, 2, process.pid, canary?.pid ?? 0, 2 ** 22, 111111, 222222]
  return [...ODD_VALUES.filter((value) => typeof value !== 'bigint'), ...paths, ...lists, ...numbers]
}

function make(random: Random, corpus: readonly Input[]): Input {
  const now = alive()
  const plain = Object.fromEntries(Object.entries(now.files).map(([name, text]) => [name, replace(text, names(now))]))
  const { files } = corpus.length > 0 && random.oneIn(6) ? random.pick(corpus) : { files: plain }
  const hook = random.pick([{}, {}, {}, { hook: mutateText('111111 222222', random) }])
  const changed = random.oneIn(6) ? 'config.json' : 'state.json'
  const text = random.oneIn(3) ? othersText(files[changed] ?? '', random) : changedText(files[changed] ?? '', random)
  return { verb: random.pick(VERBS), files: { ...files, ...hook, [changed]: text } }
}

/** The worst of all that may be wrong, and nothing else: the pid, or a cgroup's place, is somebody else's. */
function othersText(text: string, random: Random): string {
  if (random.oneIn(2)) return text.replace('"pid":111111,', '"pid":333333,')
  const places = [...text.matchAll(/"[^"]*\/CGROUP\/c"/g)].map(([place]) => place)
  if (places.length === 0) return text
  return text.replaceAll(random.pick(places), `"/FOLDER/others/${random.pick(['empty', 'full'])}"`)
}

function changedText(text: string, random: Random): string {
  if (random.oneIn(4)) return mutateText(text, random)
  try {
    return JSON.stringify(mutateJson(JSON.parse(text), random, odd()))
  } catch {
    return text
  }
}

/** Carries a verb out as the program does. */
function act(verb: Input['verb'], runtime: Runtime): void {
  switch (verb) {
    case 'state':
      return void containerState(runtime, ID)
    case 'list':
      return void listStates(runtime)
    case 'look':
      return closeFd(openTarget(runtime, ID, true).pidfd)
    case 'signal':
      return killContainer(runtime, ID, 0, false)
    case 'kill':
      return killContainer(runtime, ID, 9, false)
    case 'all':
      return killContainer(runtime, ID, 18, true)
    case 'pause':
      return pauseContainer(runtime, ID)
    case 'resume':
      return resumeContainer(runtime, ID)
    case 'delete':
      return deleteContainer(runtime, ID, false)
    case 'force':
      return deleteContainer(runtime, ID, true)
    case 'exec':
      return exec()
  }
}

/** The whole program: a line, and no trace of a bug in it. */
function exec(): void {
  try {
    execFileSync(RUNTIME, ['--root', root(), 'exec', ID, '/bin/sleep', '0'], { stdio: 'pipe', timeout: 20_000 })
  } catch (error) {
    const { status, stderr } = error as { status: number | null; stderr: Buffer }
    if (status === null || !/^(davit: [^\n]*\n)+$/.test(String(stderr)) || /bug:|undefined/.test(String(stderr)))
      throw new Error(`exec: exit ${status}: ${stderr}`)
  }
}

/** Puts the container's state in place. */
function place(files: Readonly<Record<string, string>>): void {
  const path = `${root()}/${ID}`
  mkdirSync(path, { recursive: true })
  for (const name of readdirSync(path)) rmSync(`${path}/${name}`, { recursive: true })
  for (const [name, text] of Object.entries(files)) writeFileSync(`${path}/${name}`, text)
}

function run({ verb, files }: Input): string {
  const now = alive()
  const back = names(now).map(([real, name]) => [name, real] as const)
  place(Object.fromEntries(Object.entries(files).map(([name, text]) => [name, replace(text, back)])))
  const log = { warning: quiet, info: quiet, debug: quiet }
  const runtime: Runtime = { root: root(), rootExplicit: true, cwd: '/', rootless: 'auto', cgroups: 'cgroupfs', log }
  let outcome = 'done'
  try {
    act(verb, runtime)
  } catch (error) {
    checkError(error)
    const { message } = error as Error
    // The cgroup around the container's: which of two is its own nobody can tell but the record.
    if (message.includes('read-only file system') && !message.includes(cageCgroup())) throw error
    outcome = 'refused'
  }
  checkOthers()
  // Whatever it was told, it must be there for the next.
  if (verb === 'pause')
    execFileSync('sh', [
      '-c',
      'for i in /sys/fs/cgroup/freezer$0/c/freezer.state; do echo THAWED >$i; done 2>/dev/null || :',
      cageCgroup(),
    ])
  return `${verb} ${outcome}`
}

function checkOthers(): void {
  if (!canary?.pid || !isAlive(canary.pid)) throw new Error("somebody else's process is gone")
  const found = readdirSync(`${folder()}/others`, { recursive: true }).map(String).sort().join()
  if (found !== 'empty,file,full,full/inner') throw new Error(`of others' files are left: ${found}`)
  if (readFileSync(`${folder()}/others/file`, 'utf8') !== 'kept') throw new Error("somebody else's file was written to")
}

export const STATE_TARGET: Target<Input> = { name: 'state', caged: true, make, run }
