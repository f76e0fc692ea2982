/**
 * davit's system tests and conformance cases on machines with nothing but cgroup v2: `make vm-test`.
 *
 *   bun test/vm/main.ts [--core|--all] [--init fast|systemd] [--kernel 6.12|7] [--only NAME]…
 *                       [--engines|--selinux|--resctrl] [--sh COMMAND]
 *   bun test/vm/main.ts --conformance --init fast|systemd --kernel 6.12 [--only NAME]… [--filter RE]
 *
 * Without flags four guests are booted: with a script as process 1 and with systemd, on either kernel. What is about
 * cgroups runs in each, the rest in one of them, and then what is about SELinux in two guests that have it in force, as
 * with --selinux, and what is about resctrl in one that has that, as with --resctrl; --all runs all tests in each. --core
 * is the selection that `make test` runs, each kernel once. --only takes beginnings of names of system tests, --sh any
 * command.
 * --engines is a guest with Docker, containerd, Podman and Buildah in it, and a selection of the tests of engines; --only,
 * then, takes names of those.
 * --conformance judges davit and the guest's runtimes, each in a guest, and writes docs/conformance/cgroup_v2.md and .html; where
 * systemd makes the cgroups, what is about them, and cgroup_systemd.md and .html. --only is one of the runtimes; the others'
 * results, and with --filter those of other cases, are of earlier runs.
 */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { processOne } from '../engine/support/host.ts'
import { image as engineImage } from '../engine/support/images.ts'
import { compileAll } from '../support/compiled.ts'
import { tidy } from './cache.ts'
import { checkoutDisk } from './checkout.ts'
import { conformanceCommand, keep, PAGES, type Part, writeConformance } from './conformance.ts'
import { type GuestOptions, runGuest } from './guest.ts'
import { CACHE, CHECKOUT, say } from './host.ts'
import { guestImage, type ImageKind } from './image.ts'
import { ALL_TESTS, CORE_TESTS, engineTests, RESCTRL_TESTS, SELINUX_TESTS, shares, systemTests } from './suites.ts'

const INITS = ['fast', 'systemd'] as const
const KERNELS = ['6.12', '7'] as const

/** Emulation makes everything about so many times slower. */
const SLOWNESS = 8

const { values } = parseArgs({
  options: {
    core: { type: 'boolean', default: false },
    all: { type: 'boolean', default: false },
    engines: { type: 'boolean', default: false },
    selinux: { type: 'boolean', default: false },
    resctrl: { type: 'boolean', default: false },
    conformance: { type: 'boolean', default: false },
    init: { type: 'string' },
    kernel: { type: 'string' },
    only: { type: 'string', multiple: true },
    filter: { type: 'string' },
    sh: { type: 'string' },
    // Every test has its own end: this is for a machine that hangs. All engines take an hour and a half and more.
    seconds: { type: 'string', default: '10800' },
  },
})

type Guest = Pick<GuestOptions, 'init' | 'kernel'>

const ALL: readonly Guest[] = INITS.flatMap((init) => KERNELS.map((kernel) => ({ init, kernel })))

/** What resctrl.ts knows. */
const WITH_RESCTRL: readonly Guest[] = [{ init: 'fast', kernel: '6.12' }]

/** What is booted from one image, with the same command in each. */
interface Round {
  readonly kind: ImageKind
  readonly guests: readonly Guest[]
  readonly command: string
  readonly resctrl: boolean
  /** What of a page of docs/conformance it is. */
  readonly part?: Part
}

function rounds(): readonly Round[] {
  const { core, all, engines, selinux, resctrl, conformance, init, kernel, only, sh } = values
  if (conformance) return conformanceRounds()
  const kind = engines ? 'engines' : selinux ? 'selinux' : 'guest'
  // One that is asked for by its name is none of a selection.
  const few = core || (selinux && !init && !kernel)
  const asked: Round = { kind, guests: resctrl ? WITH_RESCTRL : guests(few), command: command(tests()), resctrl }
  const chosen = [core, all, engines, selinux, resctrl, init, kernel, only, sh].some(Boolean)
  if (chosen) return [asked]
  return [
    asked,
    { kind: 'selinux', guests: guests(true), command: command(SELINUX_TESTS), resctrl: false },
    { kind: 'guest', guests: WITH_RESCTRL, command: command(RESCTRL_TESTS), resctrl: true },
  ]
}

/** A guest for each part of the page; `--only` takes names of them. */
function conformanceRounds(): readonly Round[] {
  const { only } = values
  return guests(false).flatMap((guest) =>
    PAGES[guest.init].parts
      .filter(({ name }) => only === undefined || only.includes(name))
      .map((part) => ({
        kind: 'guest' as const,
        guests: [guest],
        command: command(conformanceCommand(part, values.filter)),
        resctrl: false,
        part,
      })),
  )
}

/** `once`: with each kernel and each process 1 in one guest. */
function guests(once: boolean): readonly Guest[] {
  const all = once ? INITS.map((init, index): Guest => ({ init, kernel: KERNELS[index] as string })) : ALL
  const wanted = all.filter(({ init, kernel }) => {
    return (values.init ?? init) === init && (values.kernel ?? kernel) === kernel
  })
  if (wanted.length === 0) throw new Error('no guest is like that')
  return wanted
}

function tests(): string {
  if (values.engines) return engineTests(values.only)
  if (values.resctrl) return RESCTRL_TESTS
  if (values.only) return systemTests(values.only)
  if (values.selinux) return SELINUX_TESTS
  return values.core ? CORE_TESTS : values.all ? ALL_TESTS : shares(ALL)
}

function command(tests: string): string {
  return `export NO_COLOR=1 SLOWNESS=${SLOWNESS} ALONE=1\n${values.sh ?? tests}`
}

async function runIn(
  { init, kernel }: Guest,
  { kind, resctrl, part }: Round,
  checkout: string,
  scratch: string,
): Promise<boolean> {
  const folder = `${scratch}/${init}-${kernel}`
  const [image, selinux] = [guestImage(kind), kind === 'selinux']
  const special = selinux ? 'selinux-' : resctrl ? 'resctrl-' : ''
  mkdirSync(folder)
  say(`${init}, Linux ${kernel}${selinux ? ', SELinux' : resctrl ? ', resctrl' : ''}`)
  let status: number
  try {
    status = await runGuest({
      image,
      init,
      kernel,
      checkout,
      folder,
      selinux,
      resctrl,
      seconds: Number(values.seconds),
    })
  } catch (error) {
    console.error(`vm: ${(error as Error).message}`)
    return false
  }
  say(`${init}, Linux ${kernel}: exit ${status}`)
  if (part) {
    keep(init, part, `${folder}/results`, values.filter !== undefined)
    writeConformance(init)
    return status === 0
  }
  const results = `${CHECKOUT}/build/test/vm-${special}${init}-${kernel}.json`
  if (!values.sh) copyFileSync(`${folder}/results`, results)
  return status === 0
}

async function main(): Promise<number> {
  const list = rounds()
  tidy()
  // What cannot be made is known before the first hour.
  for (const { kind } of list) guestImage(kind)
  await compileAll()
  if (values.engines) await Promise.all([engineImage('busybox:latest'), engineImage('pause:3.9'), processOne()])
  const failed: string[] = []
  for (const round of list) failed.push(...(await runRound(round)))
  if (failed.length > 0) say(`failed: ${failed.join(', ')}`)
  return failed.length > 0 ? 1 : 0
}

/** The guests that failed. */
async function runRound(round: Round): Promise<string[]> {
  // Not below /tmp, which may be in memory.
  const scratch = mkdtempSync(`${CACHE}/.new-run-`)
  const remove = () => rmSync(scratch, { recursive: true, force: true })
  // Whatever ends us: the guest goes too (guest.ts), and nothing is left.
  process.once('exit', remove)
  const failed: string[] = []
  const checkout = checkoutDisk(scratch, round.command)
  for (const guest of round.guests) {
    if (!(await runIn(guest, round, checkout, scratch))) failed.push(`${guest.init} on Linux ${guest.kernel}`)
  }
  process.off('exit', remove)
  remove()
  return failed
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1))
process.exitCode = await main()
