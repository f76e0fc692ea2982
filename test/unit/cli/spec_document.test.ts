import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type SpecInputs, specDocument, specText } from '../../../src/cli/spec_document.ts'

const ROOT: SpecInputs = { rootless: false, euid: 0, egid: 0, cgroup2: false }

interface Document {
  ociVersion: string
  process: { capabilities: Record<string, string[]> }
  hostname: string
  mounts: { destination: string; source: string; options?: string[] }[]
  linux: {
    namespaces: { type: string }[]
    maskedPaths: string[]
    uidMappings?: object[]
    gidMappings?: object[]
    resources?: object
  }
}

function document(inputs: Partial<SpecInputs> = {}): Document {
  return specDocument({ ...ROOT, ...inputs }) as Document
}

const RUNC = ['/usr/sbin/runc', '/usr/bin/runc'].find((path) => existsSync(path))

/** What `runc spec` writes on this machine. */
function runcSpec(...flags: string[]): Document {
  const bundle = mkdtempSync(join(tmpdir(), 'davit-spec-'))
  try {
    execFileSync(RUNC as string, ['spec', '--bundle', bundle, ...flags])
    return JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8'))
  } finally {
    rmSync(bundle, { recursive: true })
  }
}

describe.skipIf(RUNC === undefined)('beside runc spec', () => {
  it.each([[[]], [['--rootless']]])('is the same document but for what davit means to differ in: %j', (flags) => {
    const theirs = runcSpec(...flags)
    const ours = document({
      rootless: flags.length > 0,
      euid: process.geteuid?.() ?? 0,
      egid: process.getegid?.() ?? 0,
      cgroup2: theirs.linux.namespaces.some(({ type }) => type === 'cgroup'),
    })
    expect(ours.linux.maskedPaths).toEqual(expect.arrayContaining(theirs.linux.maskedPaths))
    theirs.ociVersion = '1.3.0'
    theirs.hostname = 'davit'
    // older runcs set both, CVE-2022-29162
    delete theirs.process.capabilities.inheritable
    delete theirs.process.capabilities.ambient
    theirs.linux.maskedPaths = ours.linux.maskedPaths
    expect(JSON.parse(JSON.stringify(ours))).toEqual(theirs)
  })
})

describe('specDocument', () => {
  it('has the five namespaces, and a cgroup one where cgroups are v2 alone', () => {
    const types = (inputs: Partial<SpecInputs>) => document(inputs).linux.namespaces.map(({ type }) => type)
    expect(types({})).toEqual(['pid', 'network', 'ipc', 'uts', 'mount'])
    expect(types({ cgroup2: true })).toEqual(['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup'])
    expect(types({ cgroup2: true, rootless: true })).toEqual(['pid', 'ipc', 'uts', 'mount', 'cgroup', 'user'])
  })

  it('rootless: maps the caller to root, binds /sys, names no other group, asks for no resources', () => {
    const { linux, mounts } = document({ rootless: true, euid: 1000, egid: 1001 })
    expect(linux.uidMappings).toEqual([{ containerID: 0, hostID: 1000, size: 1 }])
    expect(linux.gidMappings).toEqual([{ containerID: 0, hostID: 1001, size: 1 }])
    expect(linux.resources).toBeUndefined()
    expect(mounts.find(({ destination }) => destination === '/sys')?.options).toContain('rbind')
    expect(JSON.stringify(mounts)).not.toContain('gid=')
  })

  it('is written with tabs and without a newline at the end', () => {
    const text = specText(ROOT)
    expect(text).toMatch(/^{\n\t"ociVersion": "1.3.0",\n\t"process": {\n\t\t"terminal": true,/)
    expect(text.endsWith('}')).toBe(true)
  })
})
