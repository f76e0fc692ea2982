/** `davit validate`: everything that is wrong with a bundle. Nothing is run, nothing is made, no privilege is needed. */
import { RuntimeError, SysError } from '../../base/errors.ts'
import { absolutePath } from '../../base/path.ts'
import { openFile, readBytes, readFd, statIf, withFd } from '../../ffi/file.ts'
import { O_NOCTTY, O_NONBLOCK, O_RDONLY, S_IFDIR, S_IFMT, S_IFREG } from '../../kernel/files.ts'
import type { PlacedFinding } from '../../spec/review/finding.ts'
import { reviewConfig } from '../../spec/review/review.ts'
import { rootfsOf } from '../load.ts'
import type { Runtime } from '../runtime.ts'
import { lookAtHost } from './host_files.ts'
import { planned, unknownCalls } from './machine.ts'
import { lookAtRootfs } from './rootfs.ts'

/** What was found, in the order of the text. */
export interface Validation {
  /** Absolute paths. */
  readonly bundle: string
  readonly config: string
  readonly errors: readonly PlacedFinding[]
  readonly warnings: readonly PlacedFinding[]
}

/** Throws RuntimeError 'bundle' or SysError when the bundle cannot be looked at; what is wrong with it is returned. */
export async function validateBundle(runtime: Runtime, directory: string, file?: string): Promise<Validation> {
  const bundle = absolutePath(directory, runtime.cwd)
  const config = absolutePath(file ?? 'config.json', bundle)
  const status = statIf(bundle)
  if (!status) throw new RuntimeError('bundle', `bundle "${bundle}": no such file or directory`)
  if ((status.mode & S_IFMT) !== S_IFDIR) throw new RuntimeError('bundle', `bundle "${bundle}": not a directory`)
  const findings = (await findingsOf(runtime, bundle, config, file === undefined)).toSorted(byPlace)
  const all = (severity: PlacedFinding['severity']) => findings.filter((each) => each.severity === severity)
  return { bundle, config, errors: all('error'), warnings: all('warning') }
}

async function findingsOf(
  runtime: Runtime,
  bundle: string,
  config: string,
  found: boolean,
): Promise<readonly PlacedFinding[]> {
  const text = readConfig(config, found ? readRegular : readBytes)
  if (typeof text !== 'string') return [text]
  const { findings, spec, place } = await reviewConfig(text)
  if (!spec) return findings
  const rootfs = rootfsOf(spec, bundle)
  const seen = [...lookAtRootfs(spec, rootfs), ...lookAtHost(spec, bundle), ...unknownCalls(spec.linux?.seccomp)]
  // The planners count on what the rules have found good.
  const sound = findings.every(({ severity }) => severity === 'warning')
  const told = sound ? await planned(runtime, { path: bundle, spec, rootfs }) : []
  return [...findings, ...[...seen, ...told].map(place)]
}

/** The text, or why there is none that could be read as such. */
function readConfig(path: string, read: (path: string) => Buffer): string | PlacedFinding {
  const base = { severity: 'error', pointer: '', requirement: 'MUST' } as const
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(read(path))
  } catch (error) {
    if (error instanceof TypeError)
      return { ...base, message: 'not valid UTF-8', rule: 'syntax', clause: 'config.md#configuration' }
    if (!(error instanceof SysError) || error.errnoName !== 'ENOENT') throw error
    const hint = '`davit spec` writes one to start from'
    return { ...base, message: 'no such file', rule: 'config.json', clause: 'bundle.md#container-format', hint }
  }
}

/**
 * SAFETY: what a bundle has by that name is whatever who made it has put there: a FIFO would be waited for without end.
 * Whoever names a file may well mean one.
 */
function readRegular(path: string): Buffer {
  return withFd(openFile(path, O_RDONLY | O_NONBLOCK | O_NOCTTY), (fd) => {
    if (((statIf('', fd)?.mode ?? 0) & S_IFMT) !== S_IFREG)
      throw new RuntimeError('bundle', `"${path}" is no regular file`)
    return readFd(fd, `"${path}"`)
  })
}

function byPlace(a: PlacedFinding, b: PlacedFinding): number {
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0)
}
