import { expect, test } from 'vitest'
import { refuseSeccomp } from '../../../../src/plan/seccomp/filter.ts'
import type { CompiledSeccomp } from '../../../../src/plan/seccomp/model.ts'
import type { Spec } from '../../../../src/spec/types.gen.ts'
import { FACTS } from '../base.ts'

const PROGRAM = 'run.oci.seccomp_bpf_data'

/** What is refused of a configuration whose filter comes from there, for a davit without privilege. */
function refusal(from: 'profile' | 'annotation', seccomp: CompiledSeccomp | undefined): string {
  const spec: Spec = {
    ociVersion: '1.3.0',
    ...(from === 'profile'
      ? { linux: { seccomp: { defaultAction: 'SCMP_ACT_ALLOW' } } }
      : { annotations: { [PROGRAM]: 'BgAAAAAA/38=' } }),
  }
  const unprivileged = { ...FACTS, effectiveCaps: '0' }
  try {
    refuseSeccomp({ spec, facts: unprivileged, ...(seccomp ? { seccomp } : {}) })
  } catch (error) {
    return (error as Error).message
  }
  return 'nothing'
}

test.each([
  ['profile', '/linux/seccomp'],
  ['annotation', `/annotations/${PROGRAM}`],
] as const)('what is wrong with a filter of a %s is told of its place', (from, place) => {
  expect(refusal(from, undefined)).toBe(`unsupported config.json: ${place}: it has to be compiled first`)
  const compiled = { program: new Uint8Array(8), flags: 0, ...(from === 'annotation' ? { source: place } : {}) }
  expect(refusal(from, compiled)).toBe(
    `unsupported config.json: ${place}: without noNewPrivileges it takes CAP_SYS_ADMIN, which davit does not have`,
  )
})
