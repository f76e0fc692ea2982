/** What this davit, or this host, does not do for a process: refused for the first one and for those of `exec` alike. */
import { type Problem, RuntimeError } from '../base/errors.ts'
import type { Process } from '../spec/types.gen.ts'
import type { ProcessFacts } from './facts.ts'

/** runc's words. */
export const NO_SELINUX = 'selinux label is specified in config, but selinux is disabled or not supported'

/** Problems with pointers into config.json. */
export function processProblems(process: Process | undefined, facts: ProcessFacts): Problem[] {
  const problems: Problem[] = []
  if (process?.scheduler?.policy === 'SCHED_ISO') {
    const message = 'SCHED_ISO is reserved, no Linux kernel has it'
    problems.push({ pointer: '/process/scheduler/policy', message })
  }
  if (process?.apparmorProfile && !facts.apparmor) {
    // runc's words.
    const message = 'apparmor: config provided but apparmor not supported'
    problems.push({ pointer: '/process/apparmorProfile', message })
  }
  if (process?.selinuxLabel && !facts.selinux) problems.push({ pointer: '/process/selinuxLabel', message: NO_SELINUX })
  return problems
}

/**
 * A profile that is not loaded, in runc's words. Namespaces and stacks ("a//&b", ":ns:a") are for the kernel to look up.
 * Not to be asked where hooks run before the profile is changed to: they may load it.
 */
export function profileProblems(process: Process | undefined, { profiles }: ProcessFacts): Problem[] {
  const name = process?.apparmorProfile
  if (!name || !profiles || name === 'unconfined' || /^[:&]|\/\/&/.test(name)) return []
  if (profiles.includes(name)) return []
  const message = `unable to apply apparmor profile: "${name}" is not loaded: no such file or directory`
  return [{ pointer: '/process/apparmorProfile', message }]
}

/** A label that the loaded policy does not know. Not to be asked where hooks run before it is used: they may load another. */
export function labelProblems(label: string | undefined, pointer: string, { unknownLabels }: ProcessFacts): Problem[] {
  if (!label || !unknownLabels?.includes(label)) return []
  return [{ pointer, message: `the loaded SELinux policy knows no label "${label}": invalid argument` }]
}

/** Throws what is in the list, all of it. `name` is the document's. */
export function refuseAll(problems: readonly Problem[], name: string): void {
  if (problems.length === 0) return
  const words = problems.map(({ pointer, message }) => `${pointer}: ${message}`).join('; ')
  throw new RuntimeError('unsupported', `unsupported ${name}: ${words}`, problems)
}
