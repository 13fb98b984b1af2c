/** Lets many read at once, or one change something while nobody reads. */
export type Gate = {
  /** Runs a read once no change is under way or waits. */
  shared: <T>(job: () => Promise<T>) => Promise<T>
  /** Runs a change once the reads under way have ended; reads that come meanwhile wait. */
  exclusive: <T>(job: () => Promise<T>) => Promise<T>
}

/** Makes an open gate. */
export function createGate(): Gate {
  const reads = new Set<Promise<unknown>>()
  let change: Promise<void> | undefined
  return {
    shared: async (job) => {
      while (change !== undefined) await change
      const read = job()
      const ended = read.then(
        () => reads.delete(ended),
        () => reads.delete(ended),
      )
      reads.add(ended)
      return await read
    },
    exclusive: async (job) => {
      while (change !== undefined) await change
      const { promise, resolve } = Promise.withResolvers<void>()
      change = promise
      try {
        await Promise.all(reads)
        return await job()
      } finally {
        change = undefined
        resolve()
      }
    },
  }
}
