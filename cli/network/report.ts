/** Where the network's command tells a person what it does: standard error, so that standard output stays free. */
export type Reporter = {
  /** Runs one step and says how long it took; a long one shows that it goes on. */
  step: <T>(title: string, work: () => Promise<T>) => Promise<T>
  /** Says one line that stays. */
  say: (line: string) => void
  /** Replaces the line that shows the present state; only a terminal has one. */
  status: (line: string) => void
}

const refreshMs = 1_000

/** Makes the reporter of a stream. */
export function createReporter(stream: NodeJS.WriteStream = process.stderr): Reporter {
  const terminal = stream.isTTY === true
  const clear = terminal ? '\r\u001B[K' : ''
  const say = (line: string) => void stream.write(`${clear}${line}\n`)
  const status = (line: string) => {
    if (terminal) stream.write(`${clear}${line.slice(0, Math.max(20, stream.columns - 1))}`)
  }
  return {
    say,
    status,
    step: async (title, work) => {
      const startMs = performance.now()
      const elapsed = () => `${((performance.now() - startMs) / 1_000).toFixed(1)} s`
      let lines = 0
      const show = () => {
        if (terminal) status(`… ${title} (${elapsed()})`)
        else if (lines % 10 === 0) say(`… ${title} (${elapsed()})`)
        lines += 1
      }
      const timer = setInterval(show, refreshMs)
      try {
        const result = await work()
        say(`✓ ${title} (${elapsed()})`)
        return result
      } catch (error) {
        say(`✗ ${title} (${elapsed()})`)
        throw error
      } finally {
        clearInterval(timer)
      }
    },
  }
}
