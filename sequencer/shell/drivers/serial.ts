/** Runs jobs one after the other, in the order in which they came. */
export type Serial = <T>(job: () => Promise<T>) => Promise<T>

/** Makes a queue of its own; a job that fails does not hold up those behind it. */
export function createSerial(): Serial {
  let last: Promise<unknown> = Promise.resolve()
  return <T>(job: () => Promise<T>) => {
    const run = last.then(job)
    last = run.catch(() => undefined)
    return run
  }
}

/** Something that happens again and again, and whoever waits for the next time. */
export type Signal = { notify: () => void; next: () => Promise<void> }

/** Makes a signal for which nobody waits yet. */
export function createSignal(): Signal {
  let waiting: (() => void)[] = []
  return {
    notify: () => {
      const due = waiting
      waiting = []
      for (const resume of due) resume()
    },
    next: () => new Promise((resume) => waiting.push(resume)),
  }
}
