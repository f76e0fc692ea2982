/** The runtime under test, as cases use it: any program with the command line of runc. Keeps a record as evidence. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { Bundle, type Config } from './bundle.ts'
import type { Manner, Outcome, State } from './call.ts'
import { carryOut } from './carry_out.ts'
import { within } from './host.ts'
import { heedInterruption, Interrupted } from './interrupt.ts'
import { takeAway, whatIsLeft } from './left.ts'
import { expect, Failed, Left } from './suite.ts'
import { Workplace } from './workplace.ts'

const PATIENCE = 20_000

export class Subject extends Workplace {
  private readonly bundles: Bundle[] = []

  /** A new bundle of the running case, with an id of its own. */
  bundle(script: string, change?: (config: Config) => void): Bundle {
    const id = `conf-${process.pid}-${counter++}`
    const bundle = new Bundle(this.folder, id, this.busybox, script, this.cgroupsPath(id), change)
    this.bundles.push(bundle)
    return bundle
  }

  /** Runs a verb. */
  call(...args: string[]): Outcome {
    return this.callAs({}, ...args)
  }

  /** The same in another manner. */
  callAs(manner: Manner, ...args: string[]): Outcome {
    heedInterruption()
    this.recordConfig(args)
    const { through = [], flags = [] } = manner
    const more = flags.filter((flag) => !this.globals.includes(flag))
    const argv = [...through, this.setting.runtime, ...this.globals, ...more, ...args]
    const { signal, late, ms, ...outcome } = carryOut(argv, manner, this.folder, PATIENCE)
    heedInterruption()
    this.ran([...through, ...this.globals.slice(2), ...more, ...args], signal ?? `exit ${outcome.code}`, ms, outcome)
    if (late) throw new Failed(`${args[0]} did not end within ${PATIENCE / 1000} s`)
    if (signal) throw new Failed(`${args[0]} was killed by ${signal}`)
    return outcome
  }

  /** Runs a verb that must succeed. */
  must(...args: string[]): Outcome {
    const outcome = this.call(...args)
    expect(outcome.ok, `${args[0]} failed: ${outcome.stderr.trim()}`)
    return outcome
  }

  /** Runs a verb that must be refused. */
  mustFail(args: readonly string[], why: string): Outcome {
    const outcome = this.call(...args)
    expect(!outcome.ok, `${args[0]} succeeded: ${why}`)
    return outcome
  }

  create(bundle: Bundle, ...flags: string[]): void {
    this.must('create', '--bundle', bundle.path, ...flags, bundle.id)
  }

  state(id: string): State {
    return JSON.parse(this.must('state', id).stdout) as State
  }

  /** create and start. */
  run(bundle: Bundle): void {
    this.create(bundle)
    this.must('start', bundle.id)
  }

  /** Waits for a status; it must come. */
  await(id: string, status: string): State {
    let state = this.state(id)
    within(() => {
      if (state.status !== status) state = this.state(id)
      return state.status === status
    })
    expect(state.status === status, `status is ${state.status}, expected ${status}`)
    return state
  }

  /** Whether the runtime knows the container. */
  exists(id: string): boolean {
    return this.call('state', id).ok
  }

  /** What is left of a container, in words; nothing if all is gone. */
  leftOf(bundle: Pick<Bundle, 'id' | 'path' | 'rootfs'>): string[] {
    const left = whatIsLeft(bundle, this.setting.driver === 'systemd')
    this.showed('processes, cgroups, units and mounts of the container', left.join('\n') || 'none')
    return left
  }

  /** Takes a container away, by force; says what could not be. */
  private remove(bundle: Bundle): string[] {
    const rest: string[] = []
    try {
      this.call('delete', '--force', bundle.id)
      rest.push(...this.leftOf(bundle))
    } catch (error) {
      if (error instanceof Interrupted) throw error
      rest.push(error instanceof Failed ? error.message : String(error)) // it did not end
    }
    takeAway(bundle)
    bundle.remove()
    return rest
  }

  /** The same with all from one on. One whose removal is interrupted is there for the next time. */
  private removeFrom(first: number): string[] {
    const left: string[] = []
    for (let last = this.bundles.at(-1); last && this.bundles.length > first; last = this.bundles.at(-1)) {
      left.push(...this.remove(last))
      this.bundles.pop()
    }
    return left
  }

  /** Does something many times; the evidence is that of the last one, and how many there were. */
  repeat(act: (turn: number) => void): void {
    const [records, bundles] = [this.record.length, this.bundles.length]
    for (let turn = 0; turn < this.setting.turns; turn++) {
      this.record.length = records
      this.note(`turn ${turn + 1} of ${this.setting.turns}`)
      act(turn)
      const left = this.removeFrom(bundles)
      if (left.length > 0) throw new Left(left, 'delete')
    }
  }

  /** Takes all containers of the case away, by force; says what could not be. */
  cleanUp(): string[] {
    const left = this.removeFrom(0)
    rmSync(join(this.folder, 'shared'), { recursive: true, force: true })
    return left
  }
}

let counter = 0
