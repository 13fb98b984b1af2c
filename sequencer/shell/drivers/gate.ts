/** Lets some read at once, or one change something while nobody reads. */
export type Gate = {
  /** Runs a read in its turn, once no change is under way or waits. */
  shared: <T>(job: () => Promise<T>) => Promise<T>
  /** Runs a change once the reads under way have ended; those that wait go on waiting. */
  exclusive: <T>(job: () => Promise<T>) => Promise<T>
}

/**
 * Makes an open gate.
 *
 * @param readsMax - Reads at once: the most that a change waits for.
 */
export function createGate(readsMax: number): Gate {
  const reads: (() => void)[] = []
  const changes: (() => void)[] = []
  let reading = 0
  let changing = false

  const letIn = () => {
    if (changing) return
    if (changes.length > 0) {
      changing = reading === 0
      if (changing) changes.shift()?.()
      return
    }
    while (reading < readsMax && reads.length > 0) {
      reading += 1
      reads.shift()?.()
    }
  }
  const turnIn = (queue: (() => void)[]) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    queue.push(resolve)
    letIn()
    return promise
  }
  return {
    shared: async (job) => {
      await turnIn(reads)
      try {
        return await job()
      } finally {
        reading -= 1
        letIn()
      }
    },
    exclusive: async (job) => {
      await turnIn(changes)
      try {
        return await job()
      } finally {
        changing = false
        letIn()
      }
    },
  }
}
