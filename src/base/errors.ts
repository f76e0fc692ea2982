/**
 * The three kinds of trouble (docs/ERRORS.md lists every code):
 *  - the user's: bad config or bad command line  → {@link RuntimeError} with a code, problems carry JSON pointers
 *  - operational: a system call failed            → {@link SysError}, or a RuntimeError made from it
 *  - a bug in davit                               → any other Error; nobody below main catches those
 */

/** Every code a {@link RuntimeError} may carry. docs/ERRORS.md explains each; a test holds the two together. */
export const ERROR_CODES = [
  'usage', // the command line is wrong
  'bundle', // the bundle or its config.json cannot be read
  'config-syntax', // config.json is not JSON
  'config-invalid', // config.json is JSON but not a valid configuration
  'id-invalid', // the container id is malformed
  'id-in-use', // a container with this id exists
  'not-found', // no container with this id
  'bad-state', // the container's status does not allow the operation
  'unsupported', // asked for something that this davit, kernel or machine cannot do
  'state', // the state directory or a state file is unusable
  'create', // a step of creating the container failed
  'start', // the container could not be started
  'interrupted', // a signal asked davit to end while it made something
  'hook', // a hook failed or ran out of time
  'cgroup', // a cgroup could not be made, configured or removed
  'console', // the console socket or the terminal failed
  'criu', // criu could not save or restore a container
  'mounts', // a mount of a running container could not be added or removed
  'kill', // a signal could not be sent
  'install', // davit's own files are missing or do not match
] as const

export type ErrorCode = (typeof ERROR_CODES)[number]

/** One thing wrong with config.json: where (JSON pointer, '' is the whole document) and what. */
export interface Problem {
  readonly pointer: string
  readonly message: string
}

/** A failure with a code and a one-line, lower-case message fit for the user and for engines that match on words. */
export class RuntimeError extends Error {
  readonly code: ErrorCode
  readonly problems: readonly Problem[]
  /** What the program exits with, if that is not what its command says. */
  readonly exitCode: number | undefined
  constructor(
    code: ErrorCode,
    message: string,
    problems: readonly Problem[] = [],
    options?: ErrorOptions & { readonly exitCode?: number },
  ) {
    super(message, options)
    this.exitCode = options?.exitCode
    this.name = 'RuntimeError'
    this.code = code
    this.problems = problems
  }
}

/**
 * A system call made by the parent process failed.
 * `call` is the call with its operands as strace would print it, `errno` the positive number.
 */
export class SysError extends Error {
  readonly call: string
  readonly errno: number
  /** Errno name, for example "ENOENT". */
  readonly errnoName: string
  constructor(call: string, errno: number, errnoName: string, text: string) {
    super(`${call}: ${text}`)
    this.name = 'SysError'
    this.call = call
    this.errno = errno
    this.errnoName = errnoName
  }
}

/** Marks a branch that the types say cannot be reached; reaching it is a bug. */
export function assertNever(value: never, what: string): never {
  throw new Error(`bug: unexpected ${what}: ${JSON.stringify(value)}`)
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
