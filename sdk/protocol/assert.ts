/** A rule of ours was broken by our own code: never caught, the process stops and recovers from its log. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError'
}

/**
 * Stops when a rule that the code relies on does not hold.
 *
 * @throws {@link InvariantError} when `condition` is false.
 */
export function assert(condition: boolean, rule: string): asserts condition {
  if (!condition) throw new InvariantError(rule)
}
