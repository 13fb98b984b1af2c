import type { Hash } from '../../../sdk/protocol/hex.ts'
import { accountKey, legTermsOf, type AccountKey, type Entry, type Fault } from './entry.ts'
import type { CoreState } from '../state.ts'

/**
 * Next nonces after an entry's legs. A leg whose nonce does not follow because the bundle left an
 * earlier one of the same account out is left out too, where it may, else it fails the bundle.
 *
 * @returns `carry` when an earlier entry's fall is why a nonce does not follow.
 */
export function noncesAfter(
  state: CoreState,
  entry: Entry,
  { next, skips }: { next: ReadonlyMap<AccountKey, number>; skips: Map<Hash, Set<number>> },
): Map<AccountKey, number> | Fault | 'carry' {
  const after = new Map<AccountKey, number>()
  const left = new Set<AccountKey>()
  const skipped = skips.get(entry.entryId)
  for (const [i, item] of entry.legs.entries()) {
    if (item.type !== 'user') continue
    const { chainId, from, nonce } = item.leg
    const key = accountKey(chainId, from)
    if (skipped?.has(i) === true) {
      left.add(key)
      continue
    }
    const expected = after.get(key) ?? next.get(key) ?? state.accounts.get(key)?.nonce ?? 0
    if (nonce === expected) {
      after.set(key, nonce + 1)
      continue
    }
    if (!left.has(key)) return 'carry'
    if (!legTermsOf(entry, i).canSkip) {
      return { error: 'NONCE_GAP', values: { nonce, sender: from, chainId, expected } }
    }
    skipped?.add(i)
  }
  return after
}
