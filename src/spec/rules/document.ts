/** Rules on the top of the document: version, root, hooks, hostname. */
import type { Rule } from './rule.ts'

const SEMVER = /^(\d+)\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/

const version: Rule = {
  name: 'version',
  clause: 'config.md#specification-version',
  severity: 'problem',
  reads: ['/ociVersion'],
  check({ ociVersion }, report) {
    // SPEC: versions are compatible within a major version; comparing any closer breaks with every release of it.
    const major = SEMVER.exec(ociVersion)?.[1]
    if (major === undefined) {
      report('/ociVersion', `expected a semantic version such as "1.3.0", got ${JSON.stringify(ociVersion)}`)
    } else if (major !== '1') {
      report('/ociVersion', `unsupported version ${JSON.stringify(ociVersion)}, supported are 1.x`)
    }
  },
}

const root: Rule = {
  name: 'root',
  clause: 'config.md#root',
  severity: 'problem',
  reads: ['/root'],
  check(spec, report) {
    if (spec.root === undefined) report('/root', 'root must be specified')
    else if (spec.root.path === '') report('/root/path', 'root path must not be empty')
  },
}

const HOOK_KINDS = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'] as const

const hooks: Rule = {
  name: 'hooks',
  clause: 'config.md#posix-platform-hooks',
  severity: 'problem',
  reads: ['/hooks'],
  check(spec, report) {
    if (spec.hooks === undefined) return
    for (const kind of HOOK_KINDS) {
      for (const [index, hook] of (spec.hooks[kind] ?? []).entries()) {
        if (!hook.path.startsWith('/')) report(`/hooks/${kind}/${index}/path`, 'hook path must be absolute')
      }
    }
  },
}

/** __NEW_UTS_LEN: sethostname(2) and setdomainname(2) take no more bytes. */
const UTS_LENGTH = 64

const utsNames: Rule = {
  name: 'uts names',
  clause: 'config.md#hostname, #domainname',
  severity: 'problem',
  reads: ['/hostname', '/domainname', '/linux/namespaces'],
  check(spec, report) {
    const separate = spec.linux?.namespaces?.some((namespace) => namespace.type === 'uts') === true
    for (const key of ['hostname', 'domainname'] as const) {
      const name = spec[key]
      if (!name) continue
      if (!separate) report(`/${key}`, `unable to set ${key} without a private UTS namespace`)
      if (Buffer.byteLength(name) > UTS_LENGTH) report(`/${key}`, `longer than ${UTS_LENGTH} bytes`)
    }
  },
}

export const DOCUMENT_RULES: readonly Rule[] = [version, root, hooks, utsNames]
