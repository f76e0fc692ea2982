/**
 * gRPC over a unix socket, as kubelet speaks it to containerd. A unary call is one HTTP/2 POST: the message behind five
 * bytes of frame (not compressed, length), the outcome in the trailers grpc-status and grpc-message.
 */
import { type ClientHttp2Session, connect, constants, type IncomingHttpHeaders } from 'node:http2'
import { connect as connectSocket } from 'node:net'

/** A call that the server refused; `status` is gRPC's number, 5 for "not found". */
export class GrpcError extends Error {
  readonly status: number
  constructor(method: string, status: number, message: string) {
    super(`${method}: ${message} (grpc status ${status})`)
    this.status = status
  }
}

export interface GrpcConnection {
  /** Calls "package.Service/Method" with an encoded message; the encoded answer. */
  call(method: string, message: Uint8Array, timeout?: number): Promise<Buffer>
  close(): void
}

function framed(message: Uint8Array): Buffer {
  const frame = Buffer.alloc(5 + message.length)
  frame.writeUInt32BE(message.length, 1)
  frame.set(message, 5)
  return frame
}

function unframed(method: string, body: Buffer): Buffer {
  if (body.length < 5 || body[0] !== 0 || body.readUInt32BE(1) !== body.length - 5)
    throw new Error(`${method}: not one plain gRPC frame: ${body.length} bytes`)
  return body.subarray(5)
}

function unary(session: ClientHttp2Session, method: string, message: Uint8Array, timeout: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': `/${method}`,
      'content-type': 'application/grpc',
      te: 'trailers',
    })
    const chunks: Buffer[] = []
    let outcome: IncomingHttpHeaders = {}
    // A call without an answer has its status among the headers.
    const look = (headers: IncomingHttpHeaders) => {
      if (headers['grpc-status'] !== undefined) outcome = headers
    }
    stream.on('response', look).on('trailers', look)
    stream.on('data', (chunk: Buffer) => void chunks.push(chunk))
    stream.setTimeout(timeout, () => {
      stream.close(constants.NGHTTP2_CANCEL)
      reject(new Error(`${method}: no answer after ${timeout} ms`))
    })
    stream.once('error', reject)
    stream.once('close', () => {
      const status = Number(outcome['grpc-status'] ?? Number.NaN)
      if (status === 0) resolve(unframed(method, Buffer.concat(chunks)))
      else reject(new GrpcError(method, status, decodeURIComponent(`${outcome['grpc-message'] ?? 'no status'}`)))
    })
    stream.end(framed(message))
  })
}

/** Connects to a server's socket, again when the server was started again. */
export function connectGrpc(path: string): GrpcConnection {
  let session: ClientHttp2Session | undefined
  const open = () => {
    const opened = connect('http://localhost', { createConnection: () => connectSocket(path) })
    opened.on('error', () => {}) // every call under way hears of it, too
    opened.once('close', () => {
      session = undefined
    })
    session = opened
    return opened
  }
  return {
    call: (method, message, timeout = 30_000) => unary(session ?? open(), method, message, timeout),
    close: () => session?.destroy(),
  }
}
