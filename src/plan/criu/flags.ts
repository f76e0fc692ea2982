/** The flags of checkpoint and restore, and what both tell criu because of them. */
import { RuntimeError } from '../../base/errors.ts'
import { NAMESPACES } from '../../kernel/namespaces.ts'
import { CGROUPS_MODE, type CgroupsMode, type CriuOptions, NETWORK_LOCK, type NetworkLock } from './model.ts'

/** Those that both verbs have. */
export interface CommonFlags {
  readonly tcpEstablished: boolean
  readonly extUnixSk: boolean
  readonly shellJob: boolean
  readonly fileLocks: boolean
  readonly autoDedup: boolean
  readonly lazyPages: boolean
  readonly cgroupsMode?: CgroupsMode
  readonly networkLock?: NetworkLock
  /** Namespaces that are made anew and empty: "network" is the only one that criu knows. */
  readonly emptyNs: readonly string[]
}

export interface CheckpointFlags extends CommonFlags {
  readonly leaveRunning: boolean
  readonly tcpSkipInFlight: boolean
  readonly linkRemap: boolean
  readonly preDump: boolean
  /** Relative to the image. */
  readonly parentPath?: string
  readonly pageServer?: { readonly address: string; readonly port: number }
  readonly statusFd?: number
}

export interface RestoreFlags extends CommonFlags {
  readonly tcpClose: boolean
  readonly lsmProfile?: string
  readonly lsmMountContext?: string
}

/** As much as an error report wants to know. */
const LOG_LEVEL = 4

/** What both verbs say; of what is not asked for nothing is said, so that criu's own configuration decides. */
export function commonOptions(flags: CommonFlags, log: string): Omit<CriuOptions, 'imagesDirFd'> {
  const { cgroupsMode, networkLock } = flags
  return {
    logLevel: LOG_LEVEL,
    logFile: log,
    notifyScripts: true,
    evasiveDevices: true,
    forceIrmap: true,
    orphanPtsMaster: true,
    // Older versions know this one only.
    manageCgroups: true,
    ...(cgroupsMode === undefined ? {} : { manageCgroupsMode: CGROUPS_MODE[cgroupsMode] }),
    ...(networkLock === undefined ? {} : { networkLock: NETWORK_LOCK[networkLock] }),
    ...asked({
      tcpEstablished: flags.tcpEstablished,
      extUnixSk: flags.extUnixSk,
      shellJob: flags.shellJob,
      fileLocks: flags.fileLocks,
      autoDedup: flags.autoDedup,
      lazyPages: flags.lazyPages,
    }),
    ...emptyNamespaces(flags.emptyNs),
  }
}

/** Only what is true. */
export function asked<T extends Readonly<Record<string, boolean>>>(flags: T): { [K in keyof T]?: true } {
  return Object.fromEntries(Object.entries(flags).filter(([, value]) => value)) as { [K in keyof T]?: true }
}

function emptyNamespaces(names: readonly string[]): Pick<CriuOptions, 'emptyNs'> {
  const other = names.find((name) => name !== 'network')
  if (other !== undefined) throw new RuntimeError('usage', `namespace "${other}" is not supported by --empty-ns`)
  return names.length === 0 ? {} : { emptyNs: NAMESPACES.network.flag }
}

/** "ADDRESS:PORT" of a page server; the address may be one of IPv6 in brackets. */
export function parsePageServer(text: string): { readonly address: string; readonly port: number } {
  const [, address = '', digits = ''] = /^(.+):(\d{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  if (address === '' || port < 1 || port > 65535) {
    throw new RuntimeError('usage', `--page-server "${text}": it must be ADDRESS:PORT`)
  }
  return { address: address.replace(/^\[(.*)\]$/, '$1'), port }
}
