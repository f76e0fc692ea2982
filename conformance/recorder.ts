/** The evidence of a case: what was done, what the kernel showed, figures and remarks. */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Outcome } from './call.ts'
import { type Evidence, shorten } from './evidence.ts'
import type { Figures } from './results.ts'

export class Recorder {
  /** What the running case has done and seen. */
  readonly record: Evidence[] = []
  /** Figures of the running case. */
  table: Figures | undefined

  /** A file of the kernel on the host, which is then part of the evidence; empty if it cannot be read. */
  kernel(path: string): string {
    let text = ''
    try {
      text = readFileSync(path, 'utf8')
    } catch (error) {
      this.showed(path, String(error))
      return ''
    }
    this.showed(path, text)
    return text
  }

  /** Adds what the kernel showed somewhere to the evidence. */
  showed(place: string, text: string): void {
    this.record.push({ kind: 'kernel', place, text: shorten(text) })
  }

  /** Keeps figures for the reports, and as evidence. */
  figures(head: readonly string[], rows: readonly (readonly string[])[]): void {
    this.table = { head, rows }
    this.showed('the machine', [head, ...rows].map((row) => row.join('\t')).join('\n'))
  }

  /** Adds a command line, how it ended, and what it said. */
  protected ran(args: readonly string[], end: string, ms: number, { stdout, stderr }: Outcome): void {
    this.record.push({ kind: 'command', args, end, ms, stdout: shorten(stdout), stderr: shorten(stderr) })
  }

  /** Adds what the program in the container said. */
  protected said(text: string): void {
    this.record.push({ kind: 'program', text: shorten(text) })
  }

  /** Adds a remark to the evidence. */
  note(text: string): void {
    this.record.push({ kind: 'note', text })
  }

  /** A config.json that is given to the runtime goes to the evidence, once. */
  protected recordConfig(args: readonly string[]): void {
    const bundle = args[args.indexOf('--bundle') + 1] ?? ''
    const path = join(bundle, 'config.json')
    if (!args.includes('--bundle') || !statSync(path, { throwIfNoEntry: false })?.isFile()) return
    const text = shorten(readFileSync(path, 'utf8'))
    if (!this.record.some((it) => it.kind === 'config' && it.text === text)) this.record.push({ kind: 'config', text })
  }
}
