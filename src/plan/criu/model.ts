/**
 * What criu is asked and what it answers, as plain data: the messages of its images/rpc.proto, with the fields that are
 * used here. src/wire/criu.ts makes bytes of them.
 */

/** Request types that are used, by their numbers. */
export const REQUEST = { dump: 1, restore: 2, preDump: 4, notify: 6, featureCheck: 9, version: 10 } as const

/** How criu treats cgroups. */
export const CGROUPS_MODE = { ignore: 0, soft: 3, full: 4, strict: 5 } as const

/** How criu keeps packets away from connections while it works. */
export const NETWORK_LOCK = { iptables: 1, nftables: 2, skip: 3 } as const

export type CgroupsMode = keyof typeof CGROUPS_MODE
export type NetworkLock = keyof typeof NETWORK_LOCK

/** A mount whose content is not in the image: in a dump from mount point to name, in a restore from name to path. */
export interface ExternalMount {
  readonly key: string
  readonly val: string
}

/** The fd that a restored process gets in the place of a file which is not in the image. */
export interface InheritFd {
  readonly key: string
  readonly fd: number
}

export interface CriuOptions {
  readonly imagesDirFd: number
  readonly workDirFd?: number
  readonly pid?: number
  readonly leaveRunning?: boolean
  readonly extUnixSk?: boolean
  readonly tcpEstablished?: boolean
  readonly evasiveDevices?: boolean
  readonly shellJob?: boolean
  readonly fileLocks?: boolean
  readonly logLevel?: number
  readonly logFile?: string
  readonly ps?: { readonly address: string; readonly port: number }
  readonly notifyScripts?: boolean
  readonly root?: string
  readonly parentImg?: string
  readonly trackMem?: boolean
  readonly autoDedup?: boolean
  readonly linkRemap?: boolean
  readonly forceIrmap?: boolean
  readonly extMnt?: readonly ExternalMount[]
  readonly manageCgroups?: boolean
  readonly cgRoot?: readonly { readonly ctrl: string; readonly path: string }[]
  readonly rstSibling?: boolean
  readonly inheritFd?: readonly InheritFd[]
  readonly manageCgroupsMode?: number
  readonly external?: readonly string[]
  /** CLONE_NEW* flags. */
  readonly emptyNs?: number
  readonly joinNs?: readonly { readonly ns: string; readonly nsFile: string }[]
  readonly freezeCgroup?: string
  readonly tcpSkipInFlight?: boolean
  readonly lazyPages?: boolean
  readonly statusFd?: number
  readonly orphanPtsMaster?: boolean
  readonly configFile?: string
  readonly tcpClose?: boolean
  readonly lsmProfile?: string
  readonly lsmMountContext?: string
  readonly networkLock?: number
}

export interface CriuFeatures {
  readonly memTrack?: boolean
  readonly lazyPages?: boolean
}

export interface CriuRequest {
  readonly type: number
  readonly opts?: CriuOptions
  readonly notifySuccess?: boolean
  /** criu waits for another request after this one. */
  readonly keepOpen?: boolean
  readonly features?: CriuFeatures
}

export interface CriuResponse {
  readonly type: number
  readonly success: boolean
  readonly restore?: { readonly pid: number }
  readonly notify?: { readonly script?: string; readonly pid?: number }
  readonly features?: CriuFeatures
  readonly crErrno?: number
  readonly crErrmsg?: string
  readonly version?: { readonly majorNumber: number; readonly minorNumber: number; readonly sublevel?: number }
}
