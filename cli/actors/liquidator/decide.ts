import type { MarginAttestation } from '../../../sdk/protocol/margin.ts'
import type { PoolAccount } from '../../../sdk/client/actions/get-account.ts'

/** What a liquidator does next about an account. */
export type Decision = 'nothing' | 'restrict' | 'clear' | 'bid' | 'finish'

const BUFFER_PERCENT = 15n
/** A buffer is whole when it is zero to a micro-dollar: shares of positions are rounded. */
const WHOLE_18 = -(10n ** 12n)
/** A call ends when the buffer is at least this part of the requirement. */
const CLEAR_PERCENT = 5n

/**
 * Decides the next step from an account's state and a fresh attestation; the contract has the last
 * word. Calls and starts of sales are the sequencer's own, in lane 1.
 */
export function decide(
  state: PoolAccount['state'],
  margin: Pick<MarginAttestation, 'equity18' | 'maintenance18' | 'initial18'>,
  reserved18: bigint,
): Decision {
  const { equity18, maintenance18, initial18 } = margin
  const requirement18 = equity18 - maintenance18
  const buffer18 = maintenance18 - (requirement18 * BUFFER_PERCENT) / 100n
  switch (state) {
    case 'healthy':
    case 'restricted':
      // Below the call line it is called: a restriction would come too late.
      if (equity18 > maintenance18 * 11n) return 'nothing'
      if (state === 'healthy' && initial18 < reserved18) return 'restrict'
      return state === 'restricted' && initial18 >= reserved18 ? 'clear' : 'nothing'
    case 'call':
      return buffer18 * 100n >= requirement18 * CLEAR_PERCENT ? 'clear' : 'nothing'
    case 'auction':
      if (buffer18 >= WHOLE_18) return 'finish'
      return equity18 > 0n ? 'bid' : 'nothing'
    case 'insolvent':
      return 'nothing'
  }
}
