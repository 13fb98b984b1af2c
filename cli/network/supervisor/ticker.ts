import { setTimeout as delay } from 'node:timers/promises'

/** Owner of a task that runs at a steady pace, never twice at once, and goes on when a run fails. */
export class Ticker {
  private readonly intervalMs: number
  private readonly task: () => Promise<void>
  private readonly failed: (error: unknown) => void
  private readonly stopping = new AbortController()
  private running: Promise<void> | undefined

  constructor(intervalMs: number, task: () => Promise<void>, failed: (error: unknown) => void) {
    this.intervalMs = intervalMs
    this.task = task
    this.failed = failed
  }

  /** Begins; the first run is one interval away. */
  start(): void {
    this.running ??= this.run()
  }

  /** Waits for the run under way and ends. */
  async stop(): Promise<void> {
    this.stopping.abort()
    await this.running
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping
    let nextMs = performance.now() + this.intervalMs
    while (!signal.aborted) {
      try {
        await delay(Math.max(0, nextMs - performance.now()), undefined, { signal })
      } catch {
        return
      }
      // Runs that were missed are left out instead of made up for.
      nextMs = Math.max(nextMs + this.intervalMs, performance.now())
      try {
        await this.task()
      } catch (error) {
        if (!signal.aborted) this.failed(error)
      }
    }
  }
}
