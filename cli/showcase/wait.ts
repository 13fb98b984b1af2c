import { BaseError } from '../../sdk/protocol/errors.ts'

const INTERVAL_MS = 100
const TIMEOUT_MS = 30_000

/** Something that the showcase waits for did not come. */
export class ShowcaseTimeoutError extends BaseError {
  override readonly name = 'ShowcaseTimeoutError'

  constructor(what: string, timeoutMs: number) {
    super(`${what} did not come within ${timeoutMs} ms.`, {
      code: 'SHOWCASE_TIMEOUT',
      retryable: true,
    })
  }
}

/** Waits until a condition holds. @throws {@link ShowcaseTimeoutError} after 30 s. */
export async function waitUntil(
  what: string,
  condition: () => Promise<boolean>,
  timeoutMs = TIMEOUT_MS,
): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!(await condition())) {
    if (performance.now() > deadline) throw new ShowcaseTimeoutError(what, timeoutMs)
    await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS))
  }
}
