/**
 * libsystemd's D-Bus client through koffi: only what calling methods takes (sd-bus(3)). Loaded by its soname, and only
 * where systemd is to make cgroups.
 */
import { RuntimeError } from '../base/errors.ts'
import { koffi } from './native.ts'

const SONAME = 'libsystemd.so.0'

/** sd_bus* and sd_bus_message*. */
export type Bus = bigint
export type Message = bigint

/** Every function returns >= 0 or -errno; what it gives back by a pointer is in the first element of an array. */
export interface LibSystemd {
  openSystem(bus: BigUint64Array): number
  openUser(bus: BigUint64Array): number
  /** A connection that is made by hand: new, address, start. */
  create(bus: BigUint64Array): number
  setAddress(bus: Bus, address: string): number
  start(bus: Bus): number
  /** Closes after what is queued has been sent; returns NULL. */
  flushClose(bus: Bus): void
  methodCall(
    bus: Bus,
    message: BigUint64Array,
    destination: string | null,
    path: string,
    interface_: string,
    member: string,
  ): number
  appendBasic(message: Message, type: number, value: Uint8Array | string): number
  openContainer(message: Message, type: number, contents: string): number
  closeContainer(message: Message): number
  /** `error` is a struct sd_bus_error. */
  call(bus: Bus, message: Message, microseconds: bigint, error: Uint8Array, reply: BigUint64Array): number
  freeError(error: Uint8Array): void
  unref(message: Message): void
  enterContainer(message: Message, type: number, contents: string): number
  readBasic(message: Message, type: number, into: Uint8Array | BigUint64Array): number
  isSignal(message: Message, interface_: string, member: string): number
  /** 1: something was done, and a message that nobody wanted is given back. */
  process(bus: Bus, message: BigUint64Array): number
  wait(bus: Bus, microseconds: bigint): number
  /** The text at a pointer. */
  text(pointer: bigint): string
}

/** sizeof(struct sd_bus_error): name, message, whether they are to be freed. */
export const ERROR_SIZE = 24

/** Loads the library; RuntimeError 'unsupported' when it is not there. */
export function loadLibSystemd(): LibSystemd {
  let library: ReturnType<ReturnType<typeof koffi>['load']>
  try {
    library = koffi().load(SONAME)
  } catch (error) {
    const why = (error as Error).message
    throw new RuntimeError('unsupported', `systemd's cgroups need ${SONAME} (package libsystemd0): ${why}`)
  }
  const bind = (name: string, result: string, ...args: string[]) => library.func(`sd_bus_${name}`, result, args)
  const pointer = 'void *'
  const strlen = koffi().load('libc.so.6').func('strlen', 'int64', [pointer])
  return {
    openSystem: bind('open_system', 'int', pointer),
    openUser: bind('open_user', 'int', pointer),
    create: bind('new', 'int', pointer),
    setAddress: bind('set_address', 'int', pointer, 'str'),
    start: bind('start', 'int', pointer),
    flushClose: bind('flush_close_unref', pointer, pointer),
    methodCall: bind('message_new_method_call', 'int', pointer, pointer, 'str', 'str', 'str', 'str'),
    appendBasic: appender(bind),
    openContainer: bind('message_open_container', 'int', pointer, 'char', 'str'),
    closeContainer: bind('message_close_container', 'int', pointer),
    call: bind('call', 'int', pointer, pointer, 'uint64', pointer, pointer),
    freeError: bind('error_free', 'void', pointer),
    unref: bind('message_unref', pointer, pointer),
    enterContainer: bind('message_enter_container', 'int', pointer, 'char', 'str'),
    readBasic: bind('message_read_basic', 'int', pointer, 'char', pointer),
    isSignal: bind('message_is_signal', 'int', pointer, 'str', 'str'),
    process: bind('process', 'int', pointer, pointer),
    wait: bind('wait', 'int', pointer, 'uint64'),
    text: (at) => Buffer.from(koffi().decode(at, 'uint8', Number(strlen(at))) as ArrayLike<number>).toString('utf8'),
  }
}

/** A string is passed by itself, everything else by a pointer to it. */
function appender(bind: (name: string, result: string, ...args: string[]) => (...args: readonly unknown[]) => number) {
  const append = bind('message_append_basic', 'int', 'void *', 'char', 'void *')
  const appendText = bind('message_append_basic', 'int', 'void *', 'char', 'str')
  return (message: Message, type: number, value: Uint8Array | string) =>
    typeof value === 'string' ? appendText(message, type, value) : append(message, type, value)
}
