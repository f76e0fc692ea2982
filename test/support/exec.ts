/** Runs programs and keeps what they print. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { patience } from './pace.ts'

export interface ExecOptions {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  /** Text for standard input; without it, input is /dev/null. */
  readonly stdin?: string
  /** Standard output and error go to this file, as a container that outlives the program would hold pipes open. */
  readonly output?: string
  /** fds of ours that become 3, 4, … of the program. */
  readonly fds?: readonly number[]
  /** After this many ms (more on a slow machine) the program is killed and the promise rejected. */
  readonly timeout?: number
}

export interface Result {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly pid: number
  readonly child: ChildProcess
  /** What it has printed so far. */
  stdout(): string
  stderr(): string
  /** Writes to its standard input (only with `stdin` given). */
  write(text: string): void
  closeInput(): void
  /** Ends when the program has and nobody holds its output any more. */
  readonly done: Promise<Result>
}

/** Starts a program. */
export function start(file: string, args: readonly string[], options: ExecOptions = {}): Running {
  const input = options.stdin === undefined ? 'ignore' : 'pipe'
  const sink = options.output === undefined ? undefined : openSync(options.output, 'a')
  const to = sink ?? 'pipe'
  const stdio: SpawnOptions['stdio'] = [input, to, to, ...(options.fds ?? [])]
  const child = spawn(file, args, { cwd: options.cwd, env: options.env ?? process.env, stdio })
  if (sink !== undefined) closeSync(sink)
  let stdout = ''
  let stderr = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  child.stdin?.on('error', () => {}) // a program that does not read its input
  if (options.stdin) child.stdin?.write(options.stdin)
  const limit = patience(options.timeout ?? 20_000)
  const done = new Promise<Result>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`${file} ${args.join(' ')}: still there after ${limit} ms\n${stdout}${stderr}`))
    }, limit)
    child.once('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      resolve({ code, signal, stdout, stderr })
    })
  })
  done.catch(() => {}) // whoever awaits it hears of it
  return {
    pid: child.pid ?? 0,
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    write: (text) => void child.stdin?.write(text),
    closeInput: () => void child.stdin?.end(),
    done,
  }
}

/** Runs a program to its end. */
export function exec(file: string, args: readonly string[], options: ExecOptions = {}): Promise<Result> {
  const running = start(file, args, options)
  running.closeInput()
  return running.done
}

/** Runs a program that must succeed; its output. */
export async function output(file: string, args: readonly string[], options: ExecOptions = {}): Promise<string> {
  const { code, signal, stdout, stderr } = await exec(file, args, options)
  if (code !== 0) throw new Error(`${file} ${args.join(' ')}: ${signal ?? `exit ${code}`}\n${stderr}`)
  return stdout
}
