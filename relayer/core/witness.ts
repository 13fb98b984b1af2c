import type { Hash } from '../../sdk/protocol/hex.ts'

/** A dispatch as one provider tells it. */
export type Sighting = { nonce: number; id: Hash }

/** How what two providers tell of the same blocks goes together. */
export type Comparison =
  | 'same'
  /** The other left out what both count. */
  | 'they_omit'
  /** We left out what both count. */
  | 'we_omit'
  /** They contradict each other, and nothing says who is right. */
  | 'differ'

/**
 * Holds one provider's dispatches against another's, over the same blocks.
 *
 * @param counted - Messages that both providers say the Mailbox has sent.
 */
export function compareSightings(
  ours: readonly Sighting[],
  theirs: readonly Sighting[],
  counted: number,
): Comparison {
  const extraOfOurs = without(ours, theirs)
  const extraOfTheirs = without(theirs, ours)
  if (extraOfOurs.length === 0 && extraOfTheirs.length === 0) return 'same'
  if (extraOfOurs.length > 0 && extraOfTheirs.length > 0) return 'differ'
  const extra = extraOfOurs.length > 0 ? extraOfOurs : extraOfTheirs
  const nonces = (extraOfOurs.length > 0 ? ours : theirs).map(({ nonce }) => nonce)
  const sound =
    new Set(nonces).size === nonces.length && extra.every(({ nonce }) => nonce < counted)
  if (!sound) return 'differ'
  return extraOfOurs.length > 0 ? 'they_omit' : 'we_omit'
}

function without(from: readonly Sighting[], those: readonly Sighting[]): readonly Sighting[] {
  const known = new Set(those.map(({ nonce, id }) => `${nonce}:${id}`))
  return from.filter(({ nonce, id }) => !known.has(`${nonce}:${id}`))
}
