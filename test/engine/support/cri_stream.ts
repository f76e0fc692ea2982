/**
 * `bun test/engine/support/cri_stream.ts URL [ROWS COLUMNS]`: the other end of the CRI's Exec and Attach, as kubectl is
 * it. Its streams are the process's, which it sizes the terminal of, when there is one; its exit code, too.
 * The frames are those of v4.channel.k8s.io: a byte that says which stream, then what goes there.
 */
const [url = '', rows, columns] = process.argv.slice(2)
const STDIN = 0
const RESIZE = 4

const socket = new WebSocket(url.replace(/^http/, 'ws'), ['v4.channel.k8s.io'])
socket.binaryType = 'arraybuffer'
const send = (channel: number, data: Uint8Array) => socket.send(new Uint8Array([channel, ...data]))

/** What the last channel says: success, or the exit code among the causes. */
function exitCode(text: string): number {
  const { status, message, details } = JSON.parse(text) as {
    status: string
    message?: string
    details?: { causes?: { reason: string; message: string }[] }
  }
  if (status === 'Success') return 0
  const code = details?.causes?.find(({ reason }) => reason === 'ExitCode')?.message
  if (code === undefined) process.stderr.write(`${message}\n`)
  return Number(code ?? 255)
}

socket.onopen = () => {
  if (rows) send(RESIZE, new TextEncoder().encode(JSON.stringify({ Width: Number(columns), Height: Number(rows) })))
  process.stdin.on('data', (data: Buffer) => send(STDIN, data))
}
socket.onmessage = ({ data }) => {
  const [channel, ...rest] = new Uint8Array(data as ArrayBuffer)
  const bytes = Buffer.from(rest)
  if (channel === 1) process.stdout.write(bytes)
  else if (channel === 2) process.stderr.write(bytes)
  else if (channel === 3 && bytes.length > 0) process.exitCode = exitCode(bytes.toString())
}
socket.onerror = () => {
  process.stderr.write(`no connection to ${url}\n`)
  process.exitCode = 254
}
socket.onclose = () => process.stdin.destroy()
