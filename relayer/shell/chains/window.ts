/** How many requests may be out to one provider at once: fewer after a refusal, more after answers. */
export type Window = {
  /** Waits for a place among the requests that are out. */
  enter: () => Promise<void>
  /** Gives the place back and says how the request ended. */
  leave: (outcome: 'answered' | 'refused' | 'failed') => void
  /** Requests that may be out at once now. */
  size: () => number
}

const SIZE = { first: 16, max: 64, min: 1 }
/** Milliseconds without requests after a refusal; twice as many after each further one. */
const PAUSE_MS = { first: 100, max: 5_000 }

/** Makes the window of one provider: it halves on a refusal (429) and grows by one per window. */
export function createWindow(): Window {
  let size = SIZE.first
  let out = 0
  let pauseMs = 0
  let pausedUntil = 0
  let timer: NodeJS.Timeout | undefined
  const waiting: (() => void)[] = []

  const admit = () => {
    const pause = pausedUntil - performance.now()
    if (pause > 0) {
      if (waiting.length > 0 && timer === undefined) timer = setTimeout(resume, pause)
      return
    }
    while (out < Math.floor(size)) {
      const next = waiting.shift()
      if (next === undefined) return
      out += 1
      next()
    }
  }
  const resume = () => {
    timer = undefined
    admit()
  }
  return {
    enter: async () => {
      if (waiting.length === 0 && out < Math.floor(size) && performance.now() >= pausedUntil) {
        out += 1
        return
      }
      await new Promise<void>((resolve) => {
        waiting.push(resolve)
        admit()
      })
    },
    leave: (outcome) => {
      out -= 1
      if (outcome === 'answered') {
        size = Math.min(SIZE.max, size + 1 / size)
        pauseMs = 0
      } else if (outcome === 'refused') {
        size = Math.max(SIZE.min, size / 2)
        pauseMs = Math.min(Math.max(2 * pauseMs, PAUSE_MS.first), PAUSE_MS.max)
        pausedUntil = performance.now() + pauseMs
      }
      admit()
    },
    size: () => Math.floor(size),
  }
}
