/**
 * Accidents at every system call: davit is killed there, or the kernel refuses the call. Whatever is then there, `delete
 * --force` leaves nothing and the id can be used again. `make crash` tries every call; otherwise every hundredth, or so,
 * is tried, always the same: CRASH_SEED and CRASH_STRIDE choose others.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { KEPT_EXECS } from '../../src/state/kept_exec.ts'
import { accident, callsOf, nothingLeft, possible, recovers } from '../support/accident.ts'
import { type Bundle, bundle, create, createStart, run } from '../support/bundle.ts'
import { patience } from '../support/pace.ts'
import { command, requires } from '../support/requires.ts'
import { must, state, stateRoot } from '../support/runtime.ts'

const STRIDE = Number(process.env.CRASH_STRIDE ?? 120)
const SEED = Number(process.env.CRASH_SEED ?? 20784)

const WHATS = ['signal=KILL', 'error=ENOSPC', 'error=EMFILE', 'error=ENOMEM', 'error=EINTR'] as const

interface Verb {
  readonly line: (made: Bundle) => readonly string[]
  /** What is there before. */
  readonly prepare: (made: Bundle) => Promise<unknown>
  /** It changes nothing of the container, which must go on. */
  readonly harmless?: true
  /** What is done before each accident with a container that goes on. */
  readonly again?: (made: Bundle) => unknown
  /** It is done without the engine. */
  readonly alone?: true
}

const EXEC = ({ id }: Bundle) => ['exec', id, 'true']

/** The next exec is a container's first. */
function forgetForms({ id }: Bundle): void {
  for (const name of KEPT_EXECS) rmSync(`${stateRoot()}/${id}/${name}`, { force: true })
}

/** The next exec is not. */
async function leaveForm(made: Bundle): Promise<void> {
  if (KEPT_EXECS.some((name) => existsSync(`${stateRoot()}/${made.id}/${name}`))) return
  await must(EXEC(made))
}

const VERBS: Readonly<Record<string, Verb>> = {
  create: { line: ({ path, id }) => ['create', '--bundle', path, id], prepare: async () => {} },
  start: { line: ({ id }) => ['start', id], prepare: (made) => create(made), alone: true },
  // With a flag that what is prepared does not know.
  'start by the engine': { line: ({ id }) => ['--log-level', 'warning', 'start', id], prepare: (made) => create(made) },
  exec: { line: EXEC, prepare: (made) => createStart(made), harmless: true, again: forgetForms },
  'exec by a form': {
    line: EXEC,
    prepare: (made) => createStart(made).then(() => leaveForm(made)),
    harmless: true,
    again: leaveForm,
  },
  'delete --force': { line: ({ id }) => ['delete', '--force', id], prepare: (made) => createStart(made) },
}

function sleeper(): Promise<Bundle> {
  mkdirSync(stateRoot(), { recursive: true })
  return bundle(['sleep', '600'], { applets: ['sh', 'sleep', 'true'] })
}

/** The id serves again. */
async function usable(made: Bundle): Promise<void> {
  made.configure((config) => {
    config.process.args = ['true']
  })
  expect(await run(made)).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })
}

describe.runIf(requires('root', command('strace')))('at every system call of', () => {
  const cases = Object.keys(VERBS).flatMap((verb) => WHATS.map((what) => [verb, what] as const))

  test.each(cases)('%s: %s', { timeout: patience(3_600_000) }, async (verb, what) => {
    const { line, prepare, harmless, alone, again } = VERBS[verb] as Verb
    const made = await sleeper()
    await prepare(made)
    const all = await callsOf(line(made), `${made.path}/counted`)
    const calls = all.filter(({ call }) => possible(call, what))
    await recovers(made)
    expect(calls.length).toBeGreaterThan(alone ? 20 : 100)
    const first =
      (SEED * 7919 + cases.findIndex(([v, w]) => v === verb && w === what) * 31) % Math.min(STRIDE, calls.length)
    const said = `${made.path}/said`
    let failed = 0
    if (harmless) await prepare(made)
    for (let at = first; at < calls.length; at += STRIDE) {
      const { call, when } = calls[at] as (typeof calls)[number]
      const where = `${what} at ${call} ${when}`
      if (!harmless) await prepare(made)
      await again?.(made)
      writeFileSync(said, '')
      const { code } = await accident({ call, what, when }, line(made), said)
      if (code !== 0) failed++
      const words = readFileSync(said, 'utf8')
      expect(words, where).not.toMatch(/\bbug:|\bundefined\b/)
      // The engine may die of what its own calls are refused; davit ends with a code and says why.
      const refused = what !== 'signal=KILL' && code !== null && code > 0 && code < 128 && code !== 127
      if (refused) expect(words, `${where}: exit ${code}`).not.toBe('')
      if (refused && verb === 'create') await nothingLeft(made)
      if (harmless) expect((await state(made.id)).status, where).toBe('running')
      else await recovers(made)
    }
    if (what === 'signal=KILL') expect(failed).toBeGreaterThan(0)
    console.log(
      `${verb}, ${what}: every ${STRIDE}th of ${calls.length} calls from ${first}, seed ${SEED}; ${failed} failed`,
    )
    await recovers(made)
    await usable(made)
  })
})
