/** What is planned for resctrl, and remembered of it: plain data. */

/** A group that is to be there before the container is. */
export interface RdtPlan {
  /** Mount point of resctrl. */
  readonly root: string
  /** Directory of the class. */
  readonly group: string
  /** An existing class is asked for, and nothing is to be set in it. */
  readonly mustExist: boolean
  /** Of the container alone, and so removed with it. */
  readonly own: boolean
  /** What a class that is there already must say. */
  readonly compare: readonly string[]
  /** Lines for the schemata file, in order. */
  readonly schemata: readonly string[]
  /** Directory of the container's monitoring group. */
  readonly monitor?: string
}

/** What is remembered of it. */
export interface RdtRecord {
  /** Where it is mounted. */
  readonly root: string
  /** The class of service that the container's processes are in. */
  readonly group: string
  readonly monitor?: string
  /** What goes with the container, in this order. */
  readonly remove: readonly string[]
}

/** Where such a step comes from, as every step says it. */
interface Place {
  readonly config: string
  readonly doing: string
}

export type RdtHostStep =
  | { readonly kind: 'makeRdt'; readonly rdt: RdtPlan; readonly origin: Place }
  /** Writes the pid of the process to each. */
  | { readonly kind: 'rdtTasks'; readonly files: readonly string[]; readonly origin: Place }
