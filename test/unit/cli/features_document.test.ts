import { Ajv } from 'ajv'
import { describe, expect, it } from 'vitest'
import { loadSchema } from '../../../spec/schemas.ts'
import { type FeatureInputs, featuresDocument, featuresText } from '../../../src/cli/features_document.ts'
import { unknownMembers } from '../../support/features.ts'

const INPUTS: FeatureInputs = {
  version: '0.1.0',
  commit: '',
  mountOptions: ['rw', 'bind', 'ro'],
  namespaces: ['pid', 'mount'],
  capabilities: ['CAP_CHOWN', 'CAP_KILL'],
  cgroup: { v1: true, v2: true, systemd: false, systemdUser: false, rdma: true },
  apparmor: true,
  selinux: true,
  idmap: true,
  intelRdt: { enabled: false, schemata: false, monitoring: false },
  netDevices: false,
  checkpoint: false,
  unsafeAnnotations: ['bundle', 'org.systemd.property.'],
}

const SECCOMP = {
  actions: ['SCMP_ACT_ALLOW'],
  operators: ['SCMP_CMP_EQ'],
  archs: ['SCMP_ARCH_X86_64'],
  knownFlags: ['SECCOMP_FILTER_FLAG_LOG'],
  supportedFlags: [],
}
const MEMORY_POLICY = { modes: ['MPOL_BIND'], flags: ['MPOL_F_STATIC_NODES'] }

describe('featuresDocument', () => {
  const schema = loadSchema('features.json')
  const validate = new Ajv({ strict: false }).compile(schema)

  it.each([
    ['without seccomp', INPUTS],
    [
      'with everything',
      { ...INPUTS, commit: 'abc', seccomp: SECCOMP, memoryPolicy: MEMORY_POLICY, libseccomp: '2.5.4' },
    ],
  ])('is of the schema, and has nothing else: %s', (_what, inputs) => {
    const document = JSON.parse(featuresText(inputs))
    expect(validate(document), JSON.stringify(validate.errors)).toBe(true)
    expect(unknownMembers(schema, document, schema)).toEqual([])
  })

  it('says what is not there rather than nothing', () => {
    expect(featuresDocument(INPUTS)).toMatchObject({
      ociVersionMin: '1.0.0',
      ociVersionMax: '1.3.0',
      mountOptions: ['bind', 'ro', 'rw'],
      linux: { seccomp: { enabled: false }, memoryPolicy: { modes: [], flags: [] }, netDevices: { enabled: false } },
      annotations: { 'org.opencontainers.runc.checkpoint.enabled': 'false' },
    })
  })

  it('has the seccomp words when there is seccomp', () => {
    expect(featuresDocument({ ...INPUTS, seccomp: SECCOMP, libseccomp: '2.5.4' })).toMatchObject({
      linux: { seccomp: { enabled: true, operators: ['SCMP_CMP_EQ'] } },
      annotations: { 'io.github.seccomp.libseccomp.version': '2.5.4' },
    })
  })
})
