/** A line on the terminal that says how far the suite is; nothing where there is no terminal. */
export class Progress {
  private readonly total: number
  private readonly title: string
  private done = 0
  private failed = 0

  constructor(title: string, total: number) {
    this.title = title
    this.total = total
  }

  /** Counts a case that has been judged. */
  step(id: string, failed: boolean): void {
    this.done++
    if (failed) this.failed++
    if (!process.stderr.isTTY) return
    const width = process.stderr.columns ?? 80
    const trouble = this.failed > 0 ? `  ${this.failed} failed` : ''
    const line = `[${String(this.done).padStart(String(this.total).length)}/${this.total}] ${this.title}${trouble}  ${id}`
    process.stderr.write(`\r\x1b[K${line.slice(0, width - 1)}`)
  }

  /** Takes the line away. */
  end(): void {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
  }
}
