const intervalMs = 10_000

/**
 * Runs a step and says how long it takes: a line that counts seconds in a terminal, else a line now
 * and then. Everything goes to standard error, so that standard output stays the program's own.
 */
export async function step(title, run) {
  const startMs = performance.now()
  const elapsed = () => `${((performance.now() - startMs) / 1_000).toFixed(1)} s`
  const terminal = process.stderr.isTTY === true
  let shown = false
  const show = (text, end) => {
    process.stderr.write(terminal ? `\r\u001b[K${text}${end ? '\n' : ''}` : `${text}\n`)
    shown = true
  }
  if (!terminal) show(`… ${title}`)
  const timer = setInterval(() => show(`… ${title} (${elapsed()})`), terminal ? 500 : intervalMs)
  try {
    const result = await run()
    clearInterval(timer)
    if (shown) show(`✓ ${title} (${elapsed()})`, true)
    return result
  } catch (error) {
    clearInterval(timer)
    show(`✗ ${title} (${elapsed()})`, true)
    throw error
  }
}

/** Ends the set-up with one clear sentence, and more lines where they help. */
export class SetupError extends Error {
  constructor(message, lines = []) {
    super(message)
    this.lines = lines
  }
}
