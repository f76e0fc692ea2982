/** Where child and parent of a plan meet. */

/** Synchronisation points between the child and the parent; they occur in both lists in the same order. */
export const TAGS = {
  /** The child is in its new user namespace and waits for the id maps. */
  idMaps: 1,
  /** Mounts and devices are made, the root not yet changed: prestart and createRuntime hooks run now. */
  hooks: 2,
  /** The fd sent along is the master side of the container's terminal. */
  console: 3,
  /** All is set up but `start`. */
  created: 4,
  /** A process that enters a container is all set up but exec. */
  ready: 5,
  /** The fd sent along is a mount about to be attached in a container that runs. */
  mount: 6,
  /** The filter is loaded; its listener, reported by number, is to be taken. */
  listener: 7,
  /** Init is in its network namespace: interfaces are moved into it. */
  netDevices: 8,
  /** The fd sent along is the file that startContainer hooks print to; later, that they have run. */
  hookOutput: 9,
  hooked: 10,
  /** The fd sent along is a mount, attached nowhere, whose ids the parent is to map. */
  idmap: 11,
  /** The child is there, and waits to be put into the cgroup that systemd makes for it. */
  cgroup: 12,
  /** Init asks for the next mount that the parent is to make for it. */
  give: 13,
} as const

export type Tag = keyof typeof TAGS

/**
 * Slots with a meaning in what is prepared for native/prepared.c: the connection to an init that was told to go on, once
 * `untold` is empty; the container's directory, which is open from the start; the exit code to end
 * with, and the signal to send, which are no fds; the directory once more where that is SIGKILL; init, by a pidfd.
 */
export const PREPARED = { peer: 1, untold: 2, folder: 3, code: 4, signal: 5, killed: 6, process: 7 } as const
