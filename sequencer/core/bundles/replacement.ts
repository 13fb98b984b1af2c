import { ENTRY_KIND } from '../../../sdk/protocol/entry.ts'
import type { Entry, Fault } from '../entries/entry.ts'
import { feePerGasMax, type Leg } from '../entries/leg.ts'
import type { CoreState } from '../state.ts'

/** What a replacement must offer of what it replaces, in percent: as Ethereum's own pools ask. */
const percentNeeded = 110n

/**
 * Finds the lone transaction that waits with the same nonce of the same sender: a new one takes its
 * place when it offers enough more.
 */
export function rivalOf(state: CoreState, entry: Entry): Entry | undefined {
  const leg = loneLeg(entry)
  if (leg === undefined || (state.heldBySender.get(entry.sender) ?? 0) === 0) return undefined
  for (const { entry: held } of state.held.values()) {
    const other = held.sender === entry.sender ? loneLeg(held) : undefined
    if (other?.chainId === leg.chainId && other.nonce === leg.nonce) return held
  }
  return undefined
}

/** Says what a transaction lacks to replace the one that waits. */
export function faultOfReplacement(entry: Entry, rival: Entry): Fault | undefined {
  const [leg, other] = [loneLeg(entry), loneLeg(rival)]
  if (leg === undefined || other === undefined) return undefined
  const enough = (offered: bigint, known: bigint) => offered * 100n >= known * percentNeeded
  const [offered, known] = [feePerGasMax(leg.fee), feePerGasMax(other.fee)]
  if (enough(offered, known) && enough(tipOf(leg), tipOf(other))) return undefined
  const needed = (known * percentNeeded + 99n) / 100n
  const values = { hash: other.hash, nonce: leg.nonce, offered: `${offered}`, needed: `${needed}` }
  return { error: 'UNDERPRICED', values }
}

function loneLeg({ kind, legs }: Entry): Leg | undefined {
  const item = kind === ENTRY_KIND.transaction ? legs[0] : undefined
  return item?.type === 'user' ? item.leg : undefined
}

function tipOf({ fee }: Leg): bigint {
  return fee.type === 'eip1559' ? fee.maxPriorityFeePerGas : fee.gasPrice
}
