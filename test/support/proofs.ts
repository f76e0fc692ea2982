/**
 * What shows that the cases of the conformance suite can fail: runtimes with one fault and with many, builds of davit with
 * a guard off, and davit itself where it is known to differ. Each list is held to what happens by a test of its own.
 */
import { BROKEN } from '../weakened/conformance.ts'
import { FAULTS } from './faults.ts'
import { FAULTS_DETAIL } from './faults_detail.ts'
import { FAULTS_SECCOMP } from './faults_seccomp.ts'
import { FAULTY } from './faulty/all.ts'

/** Cases that davit fails, as it is said there: conformance.test.ts. */
export const DEVIATIONS: readonly string[] = ['delete-created', 'cgroup-memory-kernel-tcp']

const FAULTS_OF_ALL = [
  ...Object.values({ ...FAULTS, ...FAULTS_DETAIL, ...FAULTS_SECCOMP }),
  ...Object.values(FAULTY).flatMap(({ faults }) => Object.values(faults)),
]

/** Ids of the cases that fail for one of these. */
export const PROVED: ReadonlySet<string> = new Set([
  ...FAULTS_OF_ALL.flatMap(({ caught }) => caught),
  ...Object.values(BROKEN).flat(),
  ...DEVIATIONS,
])

/** The cases that nothing shows to fail, with the reason. A new case needs a proof, or a line here. */
export const UNPROVED: Readonly<Record<string, string>> = {}
