/** Debian's packages, from where this machine has its own. */
import { run } from './host.ts'

/** What the guest is made of. */
export const SUITE = 'trixie'

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'

/** The address of the main archive as apt knows it, neither that of security updates nor of another vendor. */
function archive(): string {
  const format = '$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)'
  const list = () => run('apt-get', ['indextargets', '--format', format, 'Created-By: Packages']).split('\n')
  const find = () => list().find((line) => line.startsWith('Debian|Debian|main|'))
  let line = find()
  if (!line) {
    // The lists of a fresh machine are empty.
    run('apt-get', ['update', '-q'])
    line = find()
  }
  if (!line) throw new Error("apt's sources name no Debian archive, which the guest is made from")
  return line.split('|')[3] as string
}

/** Source lines for apt, of the suite and its backports. */
export function sources(): string {
  return [SUITE, `${SUITE}-backports`]
    .map((suite) => `deb [signed-by=${KEYRING}] ${archive()} ${suite} main\n`)
    .join('')
}
