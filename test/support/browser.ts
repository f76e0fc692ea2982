/** A real Chromium without a window, driven over its debugging pipe: what a page shows, and what a click does. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { patience } from './pace.ts'

interface Answer {
  readonly id?: number
  readonly result?: Record<string, unknown>
  readonly error?: { readonly message: string }
}

const WIDTH = 1500
const HEIGHT = 900

export class Browser {
  private readonly child: ChildProcess
  private readonly profile: string
  private readonly waiting = new Map<number, (answer: Answer) => void>()
  private session: string | undefined
  private number = 0
  private rest = ''

  private constructor() {
    this.profile = mkdtempSync(join(tmpdir(), 'davit-chromium-'))
    const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--hide-scrollbars']
    const argv = [
      ...flags,
      `--user-data-dir=${this.profile}`,
      `--window-size=${WIDTH},${HEIGHT}`,
      '--remote-debugging-pipe',
    ]
    this.child = spawn('chromium', argv, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] })
    const output = this.child.stdio[4] as Readable
    output.setEncoding('utf8').on('data', (text: string) => this.receive(text))
  }

  /** Starts one, with an empty page. */
  static async start(): Promise<Browser> {
    const browser = new Browser()
    const { targetId } = await browser.call('Target.createTarget', { url: 'about:blank' })
    const { sessionId } = await browser.call('Target.attachToTarget', { targetId, flatten: true })
    browser.session = sessionId as string
    await browser.call('Page.enable')
    return browser
  }

  // Messages end with a NUL.
  private receive(text: string): void {
    const parts = (this.rest + text).split('\0')
    this.rest = parts.pop() ?? ''
    for (const part of parts) {
      const answer = JSON.parse(part) as Answer
      if (answer.id !== undefined) this.waiting.get(answer.id)?.(answer)
    }
  }

  /** A method of the DevTools protocol. */
  private call(method: string, params: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    const id = ++this.number
    const session = this.session === undefined ? {} : { sessionId: this.session }
    ;(this.child.stdio[3] as Writable).write(`${JSON.stringify({ id, method, params, ...session })}\0`)
    return new Promise((resolve, reject) => {
      const clock = setTimeout(() => reject(new Error(`${method}: no answer`)), patience(30_000))
      this.waiting.set(id, ({ result = {}, error }) => {
        clearTimeout(clock)
        this.waiting.delete(id)
        if (error) reject(new Error(`${method}: ${error.message}`))
        else resolve(result)
      })
    })
  }

  /** Opens a page and waits until an expression holds in it. */
  async open(url: string, ready: string): Promise<void> {
    await this.call('Page.navigate', { url: 'about:blank' })
    await this.call('Page.navigate', { url })
    await this.until(ready)
  }

  /** The value of an expression in the page. */
  async value<T>(expression: string): Promise<T> {
    const answer = await this.call('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true })
    if (answer.exceptionDetails) throw new Error(`${expression}: ${JSON.stringify(answer.exceptionDetails)}`)
    return (answer.result as { value: T }).value
  }

  async until(expression: string): Promise<void> {
    for (const end = Date.now() + patience(20_000); ; ) {
      if (await this.value<boolean>(`Boolean(${expression})`)) return
      if (Date.now() > end) throw new Error(`never: ${expression}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  /** Clicks with the mouse where an element is. */
  async click(selector: string): Promise<void> {
    const [x, y] = await this.value<[number, number]>(
      `(() => { const it = document.querySelector(${JSON.stringify(selector)}); it.scrollIntoView({ block: 'center' });` +
        'const { x, y, width, height } = it.getBoundingClientRect(); return [x + width / 2, y + height / 2] })()',
    )
    for (const type of ['mousePressed', 'mouseReleased'])
      await this.call('Input.dispatchMouseEvent', { type, x, y, button: 'left', clickCount: 1 })
  }

  /** Types text where the focus is. */
  async type(text: string): Promise<void> {
    await this.call('Input.insertText', { text })
  }

  /** What the machine's settings prefer. */
  async prefer(scheme: 'light' | 'dark'): Promise<void> {
    await this.call('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] })
  }

  /** The visible part of the page, as a PNG. */
  async screenshot(): Promise<Buffer> {
    const { data } = await this.call('Page.captureScreenshot', { format: 'png' })
    return Buffer.from(data as string, 'base64')
  }

  async end(): Promise<void> {
    const closed = new Promise((resolve) => this.child.on('close', resolve))
    this.session = undefined
    await this.call('Browser.close').catch(() => this.child.kill('SIGKILL'))
    await closed
    rmSync(this.profile, { recursive: true, force: true })
  }
}
