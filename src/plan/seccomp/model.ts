/** What compiling linux.seccomp gives: plain data for the planners. */

/** The agent that gets the notification fd. */
export interface SeccompListener {
  /** Absolute path of its socket. */
  readonly path: string
  readonly metadata?: string
  /** Pointer of where the path stands, where it is not /linux/seccomp/listenerPath. */
  readonly source?: string
}

export interface CompiledSeccomp {
  /** An array of struct sock_filter. */
  readonly program: Uint8Array
  /** SECCOMP_FILTER_FLAG_* bits for seccomp(2). */
  readonly flags: number
  /** Present exactly when the flags ask for a listener. */
  readonly listener?: SeccompListener
  /** Pointer of what the program comes from, where it is not /linux/seccomp. */
  readonly source?: string
}
