/** Rules on the top of the document: version, root, hooks, hostname. */
import { namespaceOf } from './namespaces.ts'
import { each, type Report, type Rule } from './rule.ts'

/** Semantic versioning 2.0.0, without telling apart what may stand in its suffixes. */
const SEMVER = /^(0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/

/** What engines send; a list to spare them the first regular expression of the process, a tenth of a millisecond. */
const COMMON = ['1.0.0', '1.0.1', '1.0.2', '1.0.2-dev', '1.1.0', '1.2.0', '1.2.1', '1.3.0']

const version: Rule = {
  name: 'version',
  clause: 'config.md#specification-version',
  severity: 'problem',
  reads: ['/ociVersion'],
  check({ ociVersion }, report) {
    if (COMMON.includes(ociVersion)) return
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
      each(spec.hooks[kind], (hook, index) => {
        if (!hook.path.startsWith('/')) report(`/hooks/${kind}/${index}/path`, 'hook path must be absolute')
      })
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
    if (!spec.hostname && !spec.domainname) return
    const separate = namespaceOf(spec, 'uts') !== undefined
    checkUtsName('hostname', spec.hostname, separate, report)
    checkUtsName('domainname', spec.domainname, separate, report)
  },
}

function checkUtsName(key: string, name: string | undefined, separate: boolean, report: Report): void {
  if (!name) return
  if (!separate) report(`/${key}`, `unable to set ${key} without a private UTS namespace`)
  // A UTF-16 unit is at most three bytes: short names need no encoder.
  if (name.length * 3 > UTS_LENGTH && new TextEncoder().encode(name).length > UTS_LENGTH) {
    report(`/${key}`, `longer than ${UTS_LENGTH} bytes`)
  }
}

const annotations: Rule = {
  name: 'annotations',
  clause: 'config.md#annotations',
  severity: 'problem',
  reads: ['/annotations'],
  check(spec, report) {
    if (spec.annotations !== undefined && Object.hasOwn(spec.annotations, ''))
      report('/annotations/', 'the key of an annotation must not be empty')
  },
}

export const DOCUMENT_RULES: readonly Rule[] = [version, root, hooks, utsNames, annotations]
