/**
 * criu's messages as bytes and from bytes: protocol buffers, by protobufjs. The field numbers are those of criu's
 * images/rpc.proto; of its messages only what davit uses is here, and what else comes is skipped.
 */
import protobuf from 'protobufjs/light.js'
import type { CriuFeatures, CriuOptions, CriuRequest, CriuResponse } from '../plan/criu/model.ts'

/** Number and type of a field; "+": it may come many times, "!": criu demands it. */
type Field = readonly [id: number, type: string]

/** A message: its fields by name. The type says that none of those which davit has is forgotten. */
type Message<T> = { readonly [K in keyof Required<T>]: Field }

const OPTIONS = {
  imagesDirFd: [1, '!int32'],
  pid: [2, 'int32'],
  leaveRunning: [3, 'bool'],
  extUnixSk: [4, 'bool'],
  tcpEstablished: [5, 'bool'],
  evasiveDevices: [6, 'bool'],
  shellJob: [7, 'bool'],
  fileLocks: [8, 'bool'],
  logLevel: [9, 'int32'],
  logFile: [10, 'string'],
  ps: [11, 'PageServer'],
  notifyScripts: [12, 'bool'],
  root: [13, 'string'],
  parentImg: [14, 'string'],
  trackMem: [15, 'bool'],
  autoDedup: [16, 'bool'],
  workDirFd: [17, 'int32'],
  linkRemap: [18, 'bool'],
  forceIrmap: [21, 'bool'],
  extMnt: [23, '+Mount'],
  manageCgroups: [24, 'bool'],
  cgRoot: [25, '+CgroupRoot'],
  rstSibling: [26, 'bool'],
  inheritFd: [27, '+InheritFd'],
  manageCgroupsMode: [34, 'int32'],
  external: [37, '+string'],
  emptyNs: [38, 'uint32'],
  joinNs: [39, '+Join'],
  freezeCgroup: [44, 'string'],
  tcpSkipInFlight: [46, 'bool'],
  lazyPages: [48, 'bool'],
  statusFd: [49, 'int32'],
  orphanPtsMaster: [50, 'bool'],
  configFile: [51, 'string'],
  tcpClose: [52, 'bool'],
  lsmProfile: [53, 'string'],
  lsmMountContext: [63, 'string'],
  networkLock: [64, 'int32'],
} as const satisfies Message<CriuOptions>

const FEATURES = { memTrack: [1, 'bool'], lazyPages: [2, 'bool'] } as const satisfies Message<CriuFeatures>

const MESSAGES = {
  Options: OPTIONS,
  Features: FEATURES,
  PageServer: { address: [1, 'string'], port: [2, 'int32'] },
  Mount: { key: [1, '!string'], val: [2, '!string'] },
  CgroupRoot: { ctrl: [1, 'string'], path: [2, '!string'] },
  InheritFd: { key: [1, '!string'], fd: [2, '!int32'] },
  Join: { ns: [1, '!string'], nsFile: [2, '!string'] },
  Restored: { pid: [1, '!int32'] },
  Notify: { script: [1, 'string'], pid: [2, 'int32'] },
  Version: { majorNumber: [1, '!int32'], minorNumber: [2, '!int32'], sublevel: [4, 'int32'] },
  Request: {
    type: [1, '!int32'],
    opts: [2, 'Options'],
    notifySuccess: [3, 'bool'],
    keepOpen: [4, 'bool'],
    features: [5, 'Features'],
  } satisfies Message<CriuRequest>,
  Response: {
    type: [1, '!int32'],
    success: [2, '!bool'],
    restore: [4, 'Restored'],
    notify: [5, 'Notify'],
    crErrno: [7, 'int32'],
    features: [8, 'Features'],
    crErrmsg: [9, 'string'],
    version: [10, 'Version'],
  } satisfies Message<CriuResponse>,
} as const satisfies Readonly<Record<string, Readonly<Record<string, Field>>>>

const RULES = { '!': 'required', '+': 'repeated' } as const

function fieldOf([id, text]: Field): protobuf.IField {
  const rule = RULES[text[0] as '!' | '+']
  return rule === undefined ? { id, type: text } : { id, type: text.slice(1), rule }
}

const nested = Object.fromEntries(
  Object.entries(MESSAGES).map(([name, fields]) => {
    const entries = Object.entries(fields).map(([key, field]) => [key, fieldOf(field as Field)])
    // As rpc.proto has it: what is said is sent, zero and empty strings too.
    return [name, { edition: 'proto2', fields: Object.fromEntries(entries) }]
  }),
)
const root = protobuf.Root.fromJSON({ nested })
const request = root.lookupType('Request')
const response = root.lookupType('Response')

/** A request for criu. */
export function encodeRequest(message: CriuRequest): Uint8Array {
  return request.encode(message).finish()
}

/** What criu says. Throws when it is no such message. */
export function decodeResponse(bytes: Uint8Array): CriuResponse {
  return response.toObject(response.decode(bytes)) as unknown as CriuResponse
}
