import type { SignedCheckpoint } from '../core/checkpoint-file.ts'

/** Checkpoints that may be shown: each is on disk before it comes here. */
export type Published = {
  add: (signed: readonly SignedCheckpoint[]) => void
  /** One past the newest index. */
  next: () => number
  /** A recent checkpoint; undefined when it is older than what is kept in memory, or not there. */
  recent: (index: number) => SignedCheckpoint | undefined
  /** Waits until there is a checkpoint at `index`, or until the time is up. */
  wait: (index: number, waitMs: number, signal: AbortSignal) => Promise<void>
}

const RECENT_MAX = 4_096
const WAITERS_MAX = 256

/**
 * Keeps the newest checkpoints in memory for those who wait for them.
 *
 * @param next - One past the newest index on disk.
 */
export function openPublished(next: number): Published {
  const recent = new Map<number, SignedCheckpoint>()
  const waiters = new Set<() => void>()
  let end = next
  const add = (signed: readonly SignedCheckpoint[]) => {
    for (const one of signed) {
      recent.set(one.checkpoint.index, one)
      end = Math.max(end, one.checkpoint.index + 1)
    }
    for (const index of recent.keys()) {
      if (recent.size <= RECENT_MAX) break
      recent.delete(index)
    }
    for (const wake of waiters) wake()
  }
  const wait = async (index: number, waitMs: number, signal: AbortSignal) => {
    // Over the limit a caller gets today's answer at once and may ask again.
    if (index < end || waitMs === 0 || waiters.size >= WAITERS_MAX || signal.aborted) return
    await new Promise<void>((resolve) => {
      const done = () => {
        waiters.delete(wake)
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        resolve()
      }
      const wake = () => {
        if (index < end) done()
      }
      const timer = setTimeout(done, waitMs)
      signal.addEventListener('abort', done)
      waiters.add(wake)
    })
  }
  return { add, next: () => end, recent: (index) => recent.get(index), wait }
}
