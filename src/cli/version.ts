/** What `davit --version` prints. dockerd looks for the words "version", "commit:" and "spec:", as runc writes them. */

/** Newest version of the runtime specification that davit implements. */
export const SPEC_VERSION = '1.3.0'

export function versionText({ version, commit }: { readonly version: string; readonly commit: string }): string {
  return `davit version ${version}\n${commit === '' ? '' : `commit: ${commit}\n`}spec: ${SPEC_VERSION}\n`
}
