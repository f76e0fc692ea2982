/** Waits for jobs of a service manager, which tells their end by a signal. */
import { withoutSignals } from '../signals.ts'
import { type Connection, call, check, MANAGER, readText, type } from './bus.ts'
import { append } from './message.ts'

/** As long as runc waits, in ms. */
const PATIENCE = 30_000

/** ORDER: before the job is asked for, as it may end before the answer is here. */
export function subscribe(connection: Connection): void {
  const rule = `type='signal',interface='${MANAGER}',member='JobRemoved'`
  const bus = { destination: 'org.freedesktop.DBus', path: '/org/freedesktop/DBus', interface: 'org.freedesktop.DBus' }
  call(connection, 'AddMatch', (message) => append(connection, message, { type: 's', value: rule }), nothing, bus)
  call(connection, 'Subscribe', nothing, nothing)
}

const nothing = () => {}

/** What became of a job: "done", "failed", "canceled", "timeout", "dependency", "skipped". */
export function awaitJob(connection: Connection, job: string, unit: string): string {
  const { lib, bus } = connection
  const end = Date.now() + PATIENCE
  const out = new BigUint64Array(1)
  for (;;) {
    out[0] = 0n
    const busy =
      check(
        'process',
        withoutSignals(() => lib.process(bus, out)),
      ) > 0
    const message = out[0] as bigint
    if (message !== 0n) {
      try {
        const result = resultOf(connection, message, job)
        if (result !== undefined) return result
      } finally {
        lib.unref(message)
      }
    }
    const left = end - Date.now()
    if (left <= 0) throw new Error(`timeout waiting for the job of ${unit} in systemd`)
    if (busy) continue
    check(
      'wait',
      withoutSignals(() => lib.wait(bus, BigInt(left) * 1000n)),
    )
  }
}

/** JobRemoved(u id, o job, s unit, s result); undefined for the end of another job, and for other messages. */
function resultOf(connection: Connection, message: bigint, job: string): string | undefined {
  const { lib } = connection
  if (lib.isSignal(message, MANAGER, 'JobRemoved') <= 0) return undefined
  check('read', lib.readBasic(message, type('u'), new Uint8Array(4)))
  if (readText(connection, message, 'o') !== job) return undefined
  readText(connection, message)
  return readText(connection, message)
}
